import type { AccessKey } from "../api/messages.ts";
import type { Tone } from "../dom/cells.ts";

export const nameOf = ({ displayName = "", id }: AccessKey): string => displayName || id;

const collator = new Intl.Collator(undefined, { numeric: true });

/** Order of names as people expect it: 9 before 10. */
export const compareNames = (a: string, b: string): number => collator.compare(a, b);

/** How much of the quota is used, 1 for all of it; undefined without a quota, or while usage is not known. */
export function quotaShare({ limits, usage }: AccessKey): number | undefined {
  const bytes = Number(limits?.quota?.bytes ?? 0);
  return bytes > 0 && usage ? Number(usage.quotaUsedBytes ?? 0) / bytes : undefined;
}

/** The state in one word and how serious it is. */
export function stateOf(key: AccessKey): readonly [string, Tone] {
  switch (key.state) {
    case "ACCESS_KEY_STATE_DISABLED":
      return ["Disabled", "idle"];
    case "ACCESS_KEY_STATE_EXPIRED":
      return ["Expired", "idle"];
    case "ACCESS_KEY_STATE_SCHEDULED":
      return ["Scheduled", "idle"];
    default:
  }
  if (key.usage?.exhausted) return key.limits?.quota?.action === "QUOTA_ACTION_THROTTLE" ? ["Throttled", "warn"] : ["Used up", "bad"];
  return key.overlap ? ["Rotating", "warn"] : ["Active", "ok"];
}

export const KEY_FILTERS = {
  all: "All",
  active: "Active",
  near: "Near limit",
  off: "Off",
} as const;

export type KeyFilter = keyof typeof KEY_FILTERS;

const NEAR = 0.8;

export function passes(key: AccessKey, filter: KeyFilter): boolean {
  const isActive = key.state === "ACCESS_KEY_STATE_ACTIVE";
  if (filter === "active") return isActive;
  if (filter === "off") return !isActive;
  return filter === "all" || (quotaShare(key) ?? 0) >= NEAR;
}
