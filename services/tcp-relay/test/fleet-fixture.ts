import { ConfigKey, ConfigPort } from "@shadowfleet/control-api";
import { FakeConfigService, type FakeStream } from "@shadowfleet/control-api/testing";
import { SqliteStore } from "@shadowfleet/store";
import type { TcpRelayDeps } from "../src/index.ts";
import { type RelayFixture, relayConfig, startRelay } from "./relay-fixture.ts";

export const METHOD = "chacha20-ietf-poly1305";

/** A running relay that is a member of a fleet whose management is a fake and whose store is in memory. */
export interface FleetFixture extends AsyncDisposable {
  readonly relay: RelayFixture;
  readonly management: FakeConfigService;
  readonly stream: FakeStream;
  readonly store: SqliteStore;
  /** Bytes of a key in the store, both directions. */
  storedBytes(keyId: string): Promise<number>;
}

const TIMING: NonNullable<TcpRelayDeps["timing"]> = {
  watch: { backoffMinMs: 5, backoffMaxMs: 50, reportIntervalMs: 50 },
  flushIntervalMs: 30,
  publishIntervalMs: 30,
  storeTimeoutMs: 200,
};

export async function startFleetRelay(
  settings: Readonly<Record<string, unknown>> = {},
  deps: Partial<TcpRelayDeps> = {},
): Promise<FleetFixture> {
  const management = await FakeConfigService.start();
  const store = new SqliteStore({ path: ":memory:" });
  const fleet = { management: { address: `127.0.0.1:${management.port}`, insecure: true }, store: { type: "memory" }, memberId: "tcp-1" };
  const relay = await startRelay(relayConfig({ fleet, ...settings }), { store, timing: TIMING, ...deps });
  return {
    relay,
    management,
    store,
    stream: await management.streamNumber(1),
    storedBytes: async (id) => {
      const { total } = await store.readTraffic({ kind: "key", id });
      return total.tcpUp + total.tcpDown + total.udpUp + total.udpDown;
    },
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]();
      management.stop();
      await store.close();
    },
  };
}

export function port(number: number, more: Partial<ConfigPort> = {}): ConfigPort {
  return ConfigPort.fromPartial({ port: number, host: "127.0.0.1", method: METHOD, ...more });
}

/** A key whose secret is its id. */
export function key(id: string, number: number, more: Partial<ConfigKey> = {}): ConfigKey {
  return ConfigKey.fromPartial({ id, displayName: id, port: number, secrets: [id], ...more });
}
