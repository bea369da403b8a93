import type { ErrorCode } from "./error-codes.ts";
import type { MetricName, NameOfKind } from "./metric-registry.ts";
import type { Attributes } from "./metrics.ts";

const TRANSPORTS = ["tcp", "udp"];
const DIRECTIONS = ["up", "down"];
const HANDSHAKE_CODES: readonly ErrorCode[] = [
  "AUTH_FAILED",
  "TRIAL_LIMIT",
  "REPLAYED",
  "REPLAY_UNCHECKED",
  "BAD_TIMESTAMP",
  "BAD_HEADER",
  "BAD_ADDRESS",
  "SEGMENTED_HEADER",
  "TOO_SHORT",
  "HANDSHAKE_TIMEOUT",
  "HANDSHAKE_LIMIT",
  "PROXY_HEADER_INVALID",
  "CLOSED_IN_HANDSHAKE",
];

const LIMIT_CODES: readonly ErrorCode[] = ["DEVICE_LIMIT", "SESSION_LIMIT", "LIMITS_UNCHECKED"];

type KnownValues = Readonly<Record<string, readonly string[]>>;

/** Attribute values known before anything happened, for every counter; undefined where only the configuration knows them. */
const KNOWN_VALUES: Record<NameOfKind<"counter" | "observed-counter">, KnownValues | undefined> = {
  "shadowsocks.connections": { "network.transport": TRANSPORTS, outcome: ["OK"] },
  "shadowsocks.relay.bytes": { "network.transport": TRANSPORTS, "network.io.direction": DIRECTIONS },
  "shadowsocks.udp.packets": { "network.io.direction": DIRECTIONS, outcome: ["OK"] },
  "shadowsocks.handshake.failures": { "error.type": HANDSHAKE_CODES },
  "shadowsocks.replay.shared.claims": { outcome: ["OK", "REPLAYED" satisfies ErrorCode, "REPLAY_UNCHECKED" satisfies ErrorCode] },
  "shadowsocks.strangers.displaced": { limit: ["source", "total"] },
  "shadowsocks.listener.pauses": {},
  "shadowsocks.upstream.picks": undefined,
  "fleet.config.reloads": { outcome: ["OK", "CONFIG_INVALID" satisfies ErrorCode] },
  "fleet.management.disconnects": {},
  "fleet.webhook.deliveries": undefined,
  "fleet.traffic.flushes": { outcome: ["OK", "STORE_UNAVAILABLE" satisfies ErrorCode] },
  "fleet.limits.exchanges": { outcome: ["OK", "STORE_UNAVAILABLE" satisfies ErrorCode] },
  "fleet.limits.claims": { outcome: ["OK", ...LIMIT_CODES] },
  "fleet.limits.refusals": { outcome: ["QUOTA_EXHAUSTED" satisfies ErrorCode, ...LIMIT_CODES] },
  "fleet.limits.pauses": { "network.io.direction": DIRECTIONS },
  "fleet.limits.unchecked.bytes": {},
  "http.server.requests": undefined,
  "http.server.limits.broken": { limit: ["connections", "refusals", "host"] },
  "rpc.server.limits.broken": { limit: ["connections", "opening", "pings", "refusals", "open-calls"] },
  "fleet.plugin.exits": undefined,
  "fleet.worker.exits": {},
  "fleet.redis.commands": undefined,
  "process.cpu.seconds": {},
};

/**
 * The attribute sets a counter starts with at 0, so that `rate()` and alerts see the first event too (a series that begins at 1 has no
 * increase). Empty for what is no counter.
 */
export function zeroSeries(name: MetricName): readonly Attributes[] {
  const known = (KNOWN_VALUES as Partial<Record<MetricName, KnownValues>>)[name];
  if (!known) return [];
  let sets: Attributes[] = [{}];
  for (const [attribute, values] of Object.entries(known)) {
    sets = sets.flatMap((set) => values.map((value) => ({ ...set, [attribute]: value })));
  }
  return sets;
}
