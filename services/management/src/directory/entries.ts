import type { KeyRecord, PortRecord, UpstreamRecord } from "@shadowfleet/store";

/** Created at run time, or declared in the configuration file. */
export type ResourceOrigin = "runtime" | "declared";

interface Entry<T> {
  readonly record: T;
  /** Run-time: the store's version. Declared: made of the content. */
  readonly version: number;
  readonly origin: ResourceOrigin;
}

export type PortEntry = Entry<PortRecord>;
export type KeyEntry = Entry<KeyRecord>;
export type UpstreamEntry = Entry<UpstreamRecord>;

export type KeyState = "active" | "disabled" | "expired" | "scheduled";

/** What holds for an access key at that moment. Being switched off goes before everything. */
export function keyStateOf({ disabled, startsAtMs, expiresAtMs }: KeyRecord, nowMs: number): KeyState {
  if (disabled) return "disabled";
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) return "expired";
  return startsAtMs !== undefined && startsAtMs > nowMs ? "scheduled" : "active";
}

/** The secret being rotated out, while it still works. */
export function overlapOf({ previousSecret }: KeyRecord, nowMs: number): KeyRecord["previousSecret"] {
  return previousSecret && previousSecret.expiresAtMs > nowMs ? previousSecret : undefined;
}

/** When time alone will next change what holds for the key. */
export function nextMomentOf({ startsAtMs, expiresAtMs, previousSecret }: KeyRecord, nowMs: number): number | undefined {
  const coming = [startsAtMs, expiresAtMs, previousSecret?.expiresAtMs].filter((atMs) => atMs !== undefined && atMs > nowMs) as number[];
  return coming.length === 0 ? undefined : Math.min(...coming);
}

/** Sorts upstreams in the order of tries: declared ones first, then those created at run time. Plain text comparison. */
export function turnOf({ origin, record: { order, id } }: UpstreamEntry): string {
  return `${origin === "declared" ? 0 : 1} ${String(order).padStart(17, "0")} ${id}`;
}
