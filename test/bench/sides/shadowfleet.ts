import { chooseAeadBackend } from "@shadowfleet/aead-native";
import { freePort } from "@shadowfleet/testkit";
import { type FleetProcess, type ServiceName, startService } from "../../fleet-process.ts";
import { disposeAll, IDLE_TIMEOUT_SECONDS, type Side, type Stack, secretFor } from "./side.ts";

const METHODS = new Set(["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-ietf-poly1305"]);
const MAX_CONNECTIONS = 20_000;
const QUIET = { log: { level: "warn" }, timeouts: { idle: `${IDLE_TIMEOUT_SECONDS}s` } };

const supports = (method: string): boolean => METHODS.has(method) || method.startsWith("2022-blake3-");

/** Our gateway, tcp-relay and udp-relay, each in its own process as operators run them: with the native accelerator where it is built. */
export const shadowfleet: Side = {
  name: "shadowfleet",
  missing: undefined,
  version: async () => `Shadowfleet on Node.js ${process.version}, AEAD by ${chooseAeadBackend().backend.name}`,
  supports,
  start: (method) => startShadowfleet(method, {}),
};

/** The same without the accelerator. */
export const shadowfleetPure: Side = {
  name: "shadowfleet-pure",
  missing: undefined,
  version: async () => `Shadowfleet on Node.js ${process.version}, AEAD by node:crypto`,
  supports,
  start: (method) => startShadowfleet(method, { SHADOWFLEET_AEAD: "node" }),
};

/** Gateway and tcp-relay as groups of workers. For tests; not a side of the suite. */
export function startWorkers(method: string, workers: number): Promise<Stack> {
  return startShadowfleet(method, {}, workers);
}

async function startShadowfleet(method: string, env: Readonly<Record<string, string>>, workers = 1): Promise<Stack> {
  const [relayPort, proxyPort] = [await freePort(), await freePort()];
  const secret = secretFor(method);
  const relayConfig = { ...QUIET, workers, ports: [{ host: "127.0.0.1", port: relayPort, method, password: secret }] };
  const gatewayConfig = {
    ...QUIET,
    workers,
    listen: { host: "127.0.0.1", port: proxyPort },
    upstreams: [{ host: "127.0.0.1", port: relayPort, method, secret }],
    limits: { maxConnections: MAX_CONNECTIONS },
  };
  const started: FleetProcess[] = [];
  const start = async (name: ServiceName, config: object, flags: readonly string[] = []): Promise<number> => {
    const service = await startService(name, config, flags, { env });
    started.push(service);
    return service.program.pid;
  };
  const dispose = (): Promise<void> => disposeAll(started);
  try {
    const tcp = await start("tcp-relay", relayConfig, ["--allow-private-targets"]);
    const udp = await start("udp-relay", relayConfig, ["--allow-private-targets"]);
    const localPid = await start("gateway", gatewayConfig);
    return { proxyPort, localPid, serverPid: { tcp, udp }, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
