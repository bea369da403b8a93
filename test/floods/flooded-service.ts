import { type FleetProcess, type ServiceName, startService } from "../fleet-process.ts";

export const METHOD = "chacha20-ietf-poly1305";
export const KEYS = 500;
export const secretOf = (key: number): string => `secret of key ${key % KEYS}`;

/** A service under test, with its figures by series. */
export interface FloodedService extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** The sum of a series over the label sets that contain `labels`. */
  total(series: string, labels?: string): Promise<number>;
}

/** A relay with one SIP004 port of `KEYS` keys. */
export function startRelay(name: "tcp-relay" | "udp-relay", port: number, settings: object = {}): Promise<FloodedService> {
  const keys = Array.from({ length: KEYS }, (_, key) => ({ id: `key-${key}`, secret: secretOf(key) }));
  const config = { ports: [{ port, host: "127.0.0.1", method: METHOD, keys }], ...settings };
  return startFlooded(name, port, config, ["--allow-private-targets"]);
}

/** Any service that listens on `port`. */
export async function startFlooded(
  name: ServiceName,
  port: number,
  config: object,
  flags: readonly string[] = [],
): Promise<FloodedService> {
  const service: FleetProcess = await startService(name, { log: { level: "warn" }, drainTimeout: "0s", ...config }, flags);
  return {
    port,
    pid: service.program.pid,
    total: async (series, labels = "") => sumOf(await service.metrics(), series, labels),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

function sumOf(text: string, series: string, labels: string): number {
  const lines = text.split("\n").filter((line) => new RegExp(`^${series}[{ ]`).test(line) && line.includes(labels));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
