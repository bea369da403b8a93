import { parseBitRate, parseSize } from "./quantities.ts";

/** When a quota begins anew: by the calendar, never, or for the last so many days. */
export type QuotaPeriod = "hour" | "day" | "week" | "month" | "total" | { readonly rollingDays: number };

/** A quota as people write it. */
export interface QuotaText {
  readonly bytes: number;
  /** Undefined: not said. */
  readonly period: QuotaPeriod | undefined;
}

/** What happens when a quota is used up, as people write it. */
export type QuotaActionText = { readonly kind: "cut" } | { readonly kind: "throttle"; readonly bitsPerSecond: number };

const NAMED = ["hour", "day", "week", "month", "total"] as const;
const PERIODS = `${NAMED.map((name) => `"${name}"`).join(", ")} or days such as "30d"`;

/** "50GB/month", "2GiB/30d", "100GB/total", or a size alone. Throws RangeError with a sentence for a person. */
export function parseQuota(text: string): QuotaText {
  const [size = "", ...rest] = text.split("/");
  if (rest.length > 1) throw new RangeError('expected a size and a period such as "50GB/month"');
  const bytes = parseSize(size);
  if (bytes === 0) throw new RangeError("expected more than nothing");
  return { bytes, period: rest[0] === undefined ? undefined : parsePeriod(rest[0].trim()) };
}

/** "cut" or "throttle:1Mbit". Throws RangeError with a sentence for a person. */
export function parseQuotaAction(text: string): QuotaActionText {
  const [, rate] = /^throttle:(.*)$/.exec(text.trim()) ?? [];
  if (rate !== undefined) return { kind: "throttle", bitsPerSecond: parseBitRate(rate) };
  if (text.trim() === "cut") return { kind: "cut" };
  throw new RangeError('expected "cut", or "throttle:" and a rate such as "throttle:1Mbit"');
}

function parsePeriod(text: string): QuotaPeriod {
  const named = NAMED.find((name) => name === text);
  if (named) return named;
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? [];
  if (days === undefined) throw new RangeError(`unknown period: expected ${PERIODS}`);
  return { rollingDays: Number(days) };
}
