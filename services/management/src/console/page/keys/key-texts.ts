import type { AccessKey } from "../api/messages.ts";
import { bitRateText, bytesText, countOf } from "../format/amounts.ts";
import { spanText } from "../format/moments.ts";
import { windowText } from "../format/quotas.ts";

/** "12.3 of 50 GB" and when counting begins anew; of a key without a quota, what it has relayed in all. */
export function usageTexts({ limits, usage }: AccessKey, totalBytes: number): readonly [string, string] {
  const quota = limits?.quota;
  if (!quota) return [bytesText(totalBytes), "no quota"];
  const of = bytesText(Number(quota.bytes ?? 0));
  if (!usage) return [`${of} ${windowText(quota)}`, "usage not known now"];
  return [`${bytesText(Number(usage.quotaUsedBytes ?? 0))} of ${of}`, windowEnd(usage.windowEndTime) ?? windowText(quota)];
}

function windowEnd(time: string | undefined): string | undefined {
  return time && `renews in ${spanText((Date.parse(time) - Date.now()) / 1_000)}`;
}

/** Neither a rate nor a number is limited. */
export const isFree = ({ limits = {} }: AccessKey): boolean =>
  !limits.downBitsPerSecond && !limits.upBitsPerSecond && !limits.maxDevices && !limits.maxSessions;

/** Rates, and how many at a time; empty texts without such limits. */
export function limitTexts(key: AccessKey): readonly [string, string] {
  const { limits = {} } = key;
  if (isFree(key)) return ["no limits", ""];
  const { maxDevices, maxSessions } = limits;
  const counts = [maxDevices && countOf(maxDevices, "device"), maxSessions && countOf(maxSessions, "session")];
  return [rateLimitText(key), counts.filter(Boolean).join(", ")];
}

export function rateLimitText({ limits: { downBitsPerSecond, upBitsPerSecond } = {} }: AccessKey): string {
  const rates = [
    downBitsPerSecond && `↓ ${bitRateText(Number(downBitsPerSecond))}`,
    upBitsPerSecond && `↑ ${bitRateText(Number(upBitsPerSecond))}`,
  ];
  return rates.filter(Boolean).join("  ") || "full speed";
}
