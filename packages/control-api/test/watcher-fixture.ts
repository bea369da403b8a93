import { ManualClock } from "@shadowfleet/runtime";
import { createMemoryLogger, eventually, type MemoryLogger, RecordingMetrics } from "@shadowfleet/testkit";
import {
  ConfigKey,
  ConfigPort,
  ConfigWatcher,
  type ConfigWatcherOptions,
  connectFleet,
  type MemberConfiguration,
  MemberKind,
  type MemberOrder,
  type MemberState,
} from "../src/index.ts";

/** A watcher and all it did. */
export interface WatcherFixture extends AsyncDisposable {
  readonly watcher: ConfigWatcher;
  readonly log: MemoryLogger;
  readonly metrics: RecordingMetrics;
  readonly clock: ManualClock;
  /** What `apply` was given, in order. */
  readonly applied: { readonly configuration: MemberConfiguration; readonly removedKeys: readonly string[] }[];
  readonly orders: MemberOrder[];
  /** Waits until that many configurations were handed over and brought into force. */
  inForce(count: number): Promise<MemberConfiguration>;
}

export const FAST = { backoffMinMs: 5, backoffMaxMs: 40, silenceMs: 2000, reportIntervalMs: 50 };

export const IDLE: MemberState = { ready: true, draining: false, sessionCount: 3, ports: [], oldSecretUses: [] };

export function startWatcher(ports: readonly number[], options: Partial<ConfigWatcherOptions> = {}): WatcherFixture {
  const log = createMemoryLogger();
  const metrics = new RecordingMetrics();
  const clock = new ManualClock();
  const applied: { configuration: MemberConfiguration; removedKeys: string[] }[] = [];
  const orders: MemberOrder[] = [];
  const { apply = () => {}, ...rest } = options;
  const watcher = new ConfigWatcher({
    channel: connectFleet({ addresses: ports.map((port) => ({ host: "127.0.0.1", port })), tls: undefined, tokenFile: undefined }),
    identity: { id: "relay-1", kind: MemberKind.MEMBER_KIND_TCP_RELAY, version: "1.2.3", epoch: "e1", startedAtMs: clock.now() },
    state: () => IDLE,
    apply: async (configuration, removedKeys) => {
      await apply(configuration, removedKeys);
      applied.push({ configuration, removedKeys: [...removedKeys] });
    },
    command: (order) => void orders.push(order),
    logger: log.logger,
    metrics,
    clock,
    timing: FAST,
    ...rest,
  });
  watcher.start();
  return {
    watcher,
    log,
    metrics,
    clock,
    applied,
    orders,
    inForce: async (count) => {
      await eventually(`${count} applied configurations`, () => applied.length >= count && watcher.configuration !== undefined);
      return applied[count - 1]!.configuration;
    },
    [Symbol.asyncDispose]: () => watcher.stop(),
  };
}

export function port(number: number, more: Partial<ConfigPort> = {}): ConfigPort {
  return ConfigPort.fromPartial({ port: number, host: "127.0.0.1", method: "chacha20-ietf-poly1305", ...more });
}

export function key(id: string, number: number, more: Partial<ConfigKey> = {}): ConfigKey {
  return ConfigKey.fromPartial({ id, displayName: id, port: number, secrets: [`secret of ${id}`], ...more });
}
