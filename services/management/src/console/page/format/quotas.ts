import type { Quota } from "../api/messages.ts";
import { parseBytes } from "./amounts.ts";

/** How a quota's window is chosen in forms. */
export type WindowName = "hour" | "day" | "week" | "month" | "rolling" | "lifetime";

export const WINDOWS: readonly (readonly [WindowName, string])[] = [
  ["month", "each month"],
  ["week", "each week"],
  ["day", "each day"],
  ["hour", "each hour"],
  ["rolling", "in the last days"],
  ["lifetime", "once, for good"],
];

export function windowOf({ rolling, lifetime, calendar }: Quota): WindowName {
  if (rolling) return "rolling";
  if (lifetime) return "lifetime";
  const unit = calendar?.unit?.replace("CALENDAR_UNIT_", "").toLowerCase();
  return unit === "hour" || unit === "day" || unit === "week" ? unit : "month";
}

/** "a month", "in 30 days", "for good". */
export function windowText(quota: Quota): string {
  const name = windowOf(quota);
  if (name === "rolling") return `in ${quota.rolling?.days ?? 0} days`;
  if (name === "lifetime") return "for good";
  return name === "hour" ? "an hour" : `a ${name}`;
}

const WRITTEN: readonly (readonly [RegExp, WindowName])[] = [
  [/^(hours?|h|hourly)$/, "hour"],
  [/^(days?|d|daily)$/, "day"],
  [/^(weeks?|w|weekly)$/, "week"],
  [/^(months?|m|mo|monthly)$/, "month"],
];

/** Reads "50 GB" and "50 GB / month", "50 GB per week". Undefined when it is not understood. */
export function parseQuota(text: string): { readonly bytes: number; readonly window?: WindowName } | undefined {
  const [size = "", unit] = text.split(/\s*\/\s*|\s+(?:per|a|an|each)\s+/i);
  const bytes = parseBytes(size);
  if (bytes === undefined || bytes < 1) return undefined;
  if (unit === undefined) return { bytes };
  const window = WRITTEN.find(([pattern]) => pattern.test(unit.trim().toLowerCase()))?.[1];
  return window && { bytes, window };
}
