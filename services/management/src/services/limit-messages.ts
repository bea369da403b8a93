import { type AccessKeyLimits, CalendarUnit, type Quota, QuotaAction } from "@shadowfleet/control-api";
import type { KeyLimits, KeyQuota, QuotaWindow } from "@shadowfleet/store";
import type { FieldProblems } from "../domain/field-problems.ts";
import { timeOf } from "./requests.ts";

type Unit = Extract<QuotaWindow, { kind: "calendar" }>["unit"];

const UNITS: Readonly<Record<Unit, CalendarUnit>> = {
  hour: CalendarUnit.CALENDAR_UNIT_HOUR,
  day: CalendarUnit.CALENDAR_UNIT_DAY,
  week: CalendarUnit.CALENDAR_UNIT_WEEK,
  month: CalendarUnit.CALENDAR_UNIT_MONTH,
};

/** What the limits of a request say; 0 and absent are no limit. What no limits can say is reported, ranges are for `checkLimits`. */
export function readLimits(wanted: AccessKeyLimits | undefined, problems: FieldProblems): KeyLimits {
  if (!wanted) return {};
  const { quota, upBitsPerSecond, downBitsPerSecond, maxDevices, deviceGrace, maxSessions } = wanted;
  return {
    ...(quota && { quota: readQuota(quota, problems) }),
    ...(upBitsPerSecond !== 0n && { upBitsPerSecond: Number(upBitsPerSecond) }),
    ...(downBitsPerSecond !== 0n && { downBitsPerSecond: Number(downBitsPerSecond) }),
    ...(maxDevices !== 0 && { maxDevices }),
    ...(deviceGrace && { deviceGraceMs: Number(deviceGrace.seconds) * 1_000 + Math.floor(deviceGrace.nanos / 1e6) }),
    ...(maxSessions !== 0 && { maxSessions }),
  };
}

function readQuota({ bytes, window, action, throttleBitsPerSecond }: Quota, problems: FieldProblems): KeyQuota {
  const isThrottle = action === QuotaAction.QUOTA_ACTION_THROTTLE;
  const isKnown = isThrottle || action === QuotaAction.QUOTA_ACTION_CUT || action === QuotaAction.QUOTA_ACTION_UNSPECIFIED;
  problems.require(isKnown, "access_key.limits.quota.action", "must be QUOTA_ACTION_CUT or QUOTA_ACTION_THROTTLE");
  if (!isThrottle)
    problems.require(
      throttleBitsPerSecond === 0n,
      "access_key.limits.quota.throttle_bits_per_second",
      "goes with QUOTA_ACTION_THROTTLE alone",
    );
  return {
    bytes: Number(bytes),
    window: readWindow(window, problems),
    action: isThrottle ? { kind: "throttle", bitsPerSecond: Number(throttleBitsPerSecond) } : { kind: "cut" },
  };
}

function readWindow(window: Quota["window"], problems: FieldProblems): QuotaWindow {
  if (window?.$case === "rolling") return { kind: "rolling", days: window.value.days };
  if (window?.$case === "lifetime") return { kind: "lifetime" };
  const { unit: wanted = CalendarUnit.CALENDAR_UNIT_MONTH, timeZone = "", anchorDay = 0 } = window?.value ?? {};
  const number = wanted === CalendarUnit.CALENDAR_UNIT_UNSPECIFIED ? CalendarUnit.CALENDAR_UNIT_MONTH : wanted;
  const unit = (Object.keys(UNITS) as Unit[]).find((name) => UNITS[name] === number);
  problems.require(unit !== undefined, "access_key.limits.quota.calendar.unit", "must be an hour, a day, a week or a month");
  return { kind: "calendar", unit: unit ?? "month", timeZone: timeZone || "UTC", anchorDay: anchorDay || 1 };
}

/** Limits as the API shows them and relays get them; undefined when there are none. */
export function limitsMessage(limits: KeyLimits | undefined): AccessKeyLimits | undefined {
  if (!limits) return undefined;
  const { quota, upBitsPerSecond = 0, downBitsPerSecond = 0, maxDevices = 0, deviceGraceMs, maxSessions = 0 } = limits;
  return {
    quota: quota && quotaMessage(quota),
    upBitsPerSecond: BigInt(upBitsPerSecond),
    downBitsPerSecond: BigInt(downBitsPerSecond),
    maxDevices,
    deviceGrace: deviceGraceMs === undefined ? undefined : durationMessage(deviceGraceMs),
    maxSessions,
  };
}

function quotaMessage({ bytes, window, action, resetAtMs }: KeyQuota): Quota {
  const isThrottle = action.kind === "throttle";
  return {
    bytes: BigInt(bytes),
    window: windowMessage(window),
    action: isThrottle ? QuotaAction.QUOTA_ACTION_THROTTLE : QuotaAction.QUOTA_ACTION_CUT,
    throttleBitsPerSecond: isThrottle ? BigInt(action.bitsPerSecond) : 0n,
    resetTime: timeOf(resetAtMs),
  };
}

function windowMessage(window: QuotaWindow): Quota["window"] {
  if (window.kind === "rolling") return { $case: "rolling", value: { days: window.days } };
  if (window.kind === "lifetime") return { $case: "lifetime", value: {} };
  const { unit, timeZone, anchorDay } = window;
  const isDated = unit === "week" || unit === "month";
  return { $case: "calendar", value: { unit: UNITS[unit], timeZone, anchorDay: isDated ? anchorDay : 0 } };
}

function durationMessage(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1e6 };
}
