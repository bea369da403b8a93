import type { ConfigDelta, ConfigKey, ConfigPort, ConfigSnapshot, ConfigUpstream, FailCount } from "@shadowfleet/control-api";
import { type KeyEntry, overlapOf, type PortEntry, type UpstreamEntry } from "../directory/entries.ts";
import type { FleetDirectory } from "../directory/fleet-directory.ts";
import { limitsMessage } from "./limit-messages.ts";

/** The key as relays get it; undefined when it is not in force now and will not be by time alone. */
export function configKeyOf(directory: FleetDirectory, id: string, nowMs: number): ConfigKey | undefined {
  const entry = directory.view.keys.get(id);
  return entry && directory.view.isInForce(id, nowMs) ? configKey(entry, nowMs) : undefined;
}

function configKey({ record }: KeyEntry, nowMs: number): ConfigKey {
  const previous = overlapOf(record, nowMs);
  return {
    id: record.id,
    displayName: record.displayName,
    port: record.port,
    secrets: previous ? [record.secret, previous.secret] : [record.secret],
    startTime: dateOf(record.startsAtMs),
    expireTime: dateOf(record.expiresAtMs),
    overlapExpireTime: dateOf(previous?.expiresAtMs),
    allowTargets: [...(record.allowTargets ?? [])],
    denyTargets: [...(record.denyTargets ?? [])],
    limits: limitsMessage(record.limits),
  };
}

export function configPort({ record: { port, host, method, identityKey } }: PortEntry): ConfigPort {
  return { port, host, method, identityKey };
}

/** `order` is the place in the order of tries: declared ones have the smallest. */
export function configUpstream({ origin, record }: UpstreamEntry): ConfigUpstream {
  const { id, host, udpHost = "", port, method, secret, order } = record;
  return { id, host, udpHost, port, method, secret, order: BigInt(origin === "declared" ? order : order + MAX_DECLARED) };
}

/** Above every place of a declared upstream. */
const MAX_DECLARED = 1_000_000;

export function failCountMessage(upstreamId: string, count: number): FailCount {
  return { upstreamId, count };
}

export function emptySnapshot(): ConfigSnapshot {
  return { ports: [], keys: [], upstreams: [], failCounts: [], more: false };
}

export function emptyDelta(): ConfigDelta {
  return { ports: [], removedPorts: [], keys: [], removedKeys: [], upstreams: [], removedUpstreams: [], failCounts: [] };
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}
