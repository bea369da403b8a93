import { type LoadedRelayConfig, loadRelayConfig, type RelayConfig, type SessionEnd } from "@shadowfleet/relay";
import { systemClock } from "@shadowfleet/runtime";
import { createMemoryLogger, eventually, freePort, type MemoryLogger, RecordingMetrics } from "@shadowfleet/testkit";
import { createApp, type TcpRelayApp, type TcpRelayDeps } from "../src/index.ts";

/** A running relay on 127.0.0.1 and everything it told anybody. */
export interface RelayFixture extends AsyncDisposable {
  readonly app: TcpRelayApp;
  readonly metrics: RecordingMetrics;
  readonly log: MemoryLogger;
  readonly ends: readonly SessionEnd[];
  /** Waits for the end of so many sessions and gives the last one. */
  ended(count?: number): Promise<SessionEnd>;
  /** Waits until no client connection is left. */
  quiet(): Promise<void>;
}

/** A configuration in our own format: settings of `data` over what suits tests (loopback targets allowed, short waits). */
export function relayConfig(data: Readonly<Record<string, unknown>>): LoadedRelayConfig {
  const defaults = { allowPrivateTargets: true, timeouts: { handshake: "2s", dial: "2s" } };
  return loadRelayConfig({ name: "test", data: { ...defaults, ...data } });
}

/** Starts a relay; it drains, at once, when it goes out of scope. */
export async function startRelay(config: RelayConfig, deps: Partial<TcpRelayDeps> = {}): Promise<RelayFixture> {
  const metrics = new RecordingMetrics();
  const log = createMemoryLogger();
  const ends: SessionEnd[] = [];
  const app = createApp(config, { logger: log.logger, metrics, clock: systemClock, onSessionEnd: (end) => void ends.push(end), ...deps });
  await app.start();
  return {
    app,
    metrics,
    log,
    ends,
    ended: async (count = 1) => {
      await eventually(`${count} ended sessions`, () => ends.length >= count);
      return ends.at(-1) as SessionEnd;
    },
    quiet: () => eventually("no connections", () => app.connections === 0),
    [Symbol.asyncDispose]: () => app.drain(0),
  };
}

/** A relay with one port and one key, and that port. */
export async function startSingle(
  method: string,
  secret: string,
  settings: Readonly<Record<string, unknown>> = {},
  deps: Partial<TcpRelayDeps> = {},
): Promise<RelayFixture & { readonly port: number }> {
  const port = await freePort();
  const config = relayConfig({ ports: [{ port, host: "127.0.0.1", method, password: secret }], allowInsecureCiphers: true, ...settings });
  return Object.assign(await startRelay(config, deps), { port });
}
