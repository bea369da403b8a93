import { type AccessKey, type AccessKeyLimits, type AccessKeyUsage, CalendarUnit, type Quota, QuotaAction } from "@shadowfleet/control-api";
import { formatBits, formatBytes, formatShare } from "../output/amounts.ts";
import type { Document } from "../output/document.ts";
import { formatSpan, formatTimeFromNow } from "../output/times.ts";
import { enumWord } from "./enum-word.ts";

const BAR_CELLS = 20;
const DEFAULT_GRACE_MS = 60_000;
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

type Pair = readonly [name: string, value: string | undefined];

export function limitsDocument(limits: AccessKeyLimits | undefined): Document {
  if (!limits) return null;
  const { quota, upBitsPerSecond, downBitsPerSecond, maxDevices, deviceGrace, maxSessions } = limits;
  return {
    quota: quota
      ? {
          bytes: quota.bytes,
          window: windowDocument(quota.window),
          action: isThrottle(quota) ? "throttle" : "cut",
          throttleBitsPerSecond: quota.throttleBitsPerSecond || null,
          resetTime: quota.resetTime ?? null,
        }
      : null,
    upBitsPerSecond: upBitsPerSecond || null,
    downBitsPerSecond: downBitsPerSecond || null,
    maxDevices: maxDevices || null,
    deviceGraceSeconds: deviceGrace ? Number(deviceGrace.seconds) + deviceGrace.nanos / 1e9 : null,
    maxSessions: maxSessions || null,
  };
}

function windowDocument(window: Quota["window"]): Document {
  if (window?.$case === "rolling") return { kind: "rolling", days: window.value.days };
  if (window?.$case === "calendar") {
    const { unit, timeZone, anchorDay } = window.value;
    return { kind: "calendar", unit: unitWord(unit), timeZone, anchorDay: anchorDay || null };
  }
  return { kind: "lifetime" };
}

export function usageDocument(usage: AccessKeyUsage | undefined): Document {
  if (!usage) return null;
  const { quotaUsedBytes, windowStartTime, windowEndTime, exhausted, devices, sessions } = usage;
  return { quotaUsedBytes, windowStartTime: windowStartTime ?? null, windowEndTime: windowEndTime ?? null, exhausted, devices, sessions };
}

/** What its used-up quota has done to the key: ", cut", ", throttled" or nothing. */
export function exhaustedWord({ limits, usage }: AccessKey): string {
  if (!usage?.exhausted || !limits?.quota) return "";
  return isThrottle(limits.quota) ? ", throttled" : ", cut";
}

/** Cells of a table: used with its share, the quota, when it begins anew. */
export function quotaCells({ limits, usage }: AccessKey, nowMs: number): string[] {
  const quota = limits?.quota;
  if (!quota) return ["-", "-", "-"];
  const used = usage ? `${formatBytes(usage.quotaUsedBytes)} (${shareOf(quota, usage)})` : "?";
  return [used, `${formatBytes(quota.bytes)}/${periodWord(quota)}`, renewal(quota, usage, nowMs)];
}

/** Lines of one key: every limit with what is used of it. */
export function limitPairs({ limits, usage }: AccessKey, nowMs: number): Pair[] {
  if (!limits) return [];
  const { quota, upBitsPerSecond, downBitsPerSecond, maxDevices, deviceGrace, maxSessions } = limits;
  const of = (used: number | undefined, max: number): string => (used === undefined ? `at most ${max}` : `${used} of ${max}`);
  const graceMs = deviceGrace ? Number(deviceGrace.seconds) * 1_000 + deviceGrace.nanos / 1e6 : DEFAULT_GRACE_MS;
  return [
    ["quota", quota && quotaWords(quota)],
    ["quota used", quota && usedWords(quota, usage)],
    [
      "quota renews",
      quota && usage?.windowEndTime && quota.window?.$case !== "rolling" ? formatTimeFromNow(usage.windowEndTime, nowMs) : undefined,
    ],
    ["quota was reset", quota?.resetTime && formatTimeFromNow(quota.resetTime, nowMs)],
    ["rate up", upBitsPerSecond ? formatBits(upBitsPerSecond) : undefined],
    ["rate down", downBitsPerSecond ? formatBits(downBitsPerSecond) : undefined],
    ["devices", maxDevices ? `${of(usage?.devices, maxDevices)}, each until ${formatSpan(graceMs)} after its last session` : undefined],
    ["sessions", maxSessions ? of(usage?.sessions, maxSessions) : undefined],
  ];
}

/** "50.0 GB a month (Europe/Berlin, from day 15), then cut". */
function quotaWords(quota: Quota): string {
  const then = isThrottle(quota) ? `then ${formatBits(quota.throttleBitsPerSecond)}` : "then cut";
  return `${formatBytes(quota.bytes)} ${windowWords(quota.window)}, ${then}`;
}

function windowWords(window: Quota["window"]): string {
  if (window?.$case === "rolling") return window.value.days === 1 ? "in the last day" : `in the last ${window.value.days} days`;
  if (window?.$case !== "calendar") return "in all";
  const { unit, timeZone, anchorDay } = window.value;
  const word = unitWord(unit);
  const zone = timeZone || "UTC";
  if (word === "month" && anchorDay > 1) return `a month (${zone}, from day ${anchorDay})`;
  if (word === "week") return `a week (${zone}, from ${WEEKDAYS[(anchorDay || 1) - 1]})`;
  return `${word === "hour" ? "an" : "a"} ${word} (${zone})`;
}

function usedWords(quota: Quota, usage: AccessKeyUsage | undefined): string {
  if (!usage) return "not known: management's store does not answer";
  const filled = Math.min(BAR_CELLS, Math.floor((Number(usage.quotaUsedBytes) / Number(quota.bytes)) * BAR_CELLS));
  const bar = "█".repeat(filled) + "░".repeat(BAR_CELLS - filled);
  return `${bar} ${formatBytes(usage.quotaUsedBytes)} (${shareOf(quota, usage)})`;
}

function renewal(quota: Quota, usage: AccessKeyUsage | undefined, nowMs: number): string {
  if (quota.window?.$case === "rolling") return "rolling";
  if (quota.window?.$case === "lifetime") return "never";
  return usage?.windowEndTime ? `in ${formatSpan(Math.max(0, usage.windowEndTime.getTime() - nowMs))}` : "?";
}

function periodWord({ window }: Quota): string {
  if (window?.$case === "rolling") return `${window.value.days}d`;
  return window?.$case === "calendar" ? unitWord(window.value.unit) : "total";
}

function shareOf(quota: Quota, usage: AccessKeyUsage): string {
  return formatShare(Number(usage.quotaUsedBytes) / Number(quota.bytes));
}

const isThrottle = ({ action }: Quota): boolean => action === QuotaAction.QUOTA_ACTION_THROTTLE;
const unitWord = (unit: number): string => enumWord(CalendarUnit, "CALENDAR_UNIT_", unit);
