import type { AccessKey } from "../api/messages.ts";
import { bitRateText, bytesText, countOf } from "../format/amounts.ts";
import { spanText } from "../format/moments.ts";
import { windowText } from "../format/quotas.ts";

/** "12.3 of 50 GB" and when counting begins anew; of a key without a quota, what it has relayed in all. */
export function usageTexts({ limits, usage }: AccessKey, totalBytes: number): readonly [string, string] {
  const quota = limits?.quota;
  if (!quota) return [`${bytesText(totalBytes)} in all`, "no quota"];
  const of = bytesText(Number(quota.bytes ?? 0));
  if (!usage) return [`${of} ${windowText(quota)}`, "usage not known now"];
  return [`${bytesText(Number(usage.quotaUsedBytes ?? 0))} of ${of}`, windowEnd(usage.windowEndTime) ?? windowText(quota)];
}

function windowEnd(time: string | undefined): string | undefined {
  return time && `anew in ${spanText((Date.parse(time) - Date.now()) / 1_000)}`;
}

/** Rates, and how many at a time; empty texts without such limits. */
export function limitTexts({ limits = {} }: AccessKey): readonly [string, string] {
  const { downBitsPerSecond, upBitsPerSecond, maxDevices, maxSessions } = limits;
  const rates = [
    downBitsPerSecond && `↓ ${bitRateText(Number(downBitsPerSecond))}`,
    upBitsPerSecond && `↑ ${bitRateText(Number(upBitsPerSecond))}`,
  ];
  const counts = [maxDevices && countOf(maxDevices, "device"), maxSessions && countOf(maxSessions, "session")];
  return [rates.filter(Boolean).join("  ") || "full speed", counts.filter(Boolean).join(", ")];
}
