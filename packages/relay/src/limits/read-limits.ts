import { type AccessKeyLimits, CalendarUnit, type Quota, QuotaAction } from "@shadowfleet/control-api";
import { type KeyLimits, type KeyQuota, type QuotaWindow, quotaWindowAt } from "@shadowfleet/store";

/** A key's limits as management sends them; undefined for none. Throws RangeError for a time zone that this process does not know. */
export function readLimits(source: AccessKeyLimits | undefined): KeyLimits | undefined {
  if (!source) return undefined;
  const { quota, upBitsPerSecond, downBitsPerSecond, maxDevices, deviceGrace, maxSessions } = source;
  const limits: KeyLimits = {
    ...(quota && quota.bytes > 0n && { quota: readQuota(quota) }),
    ...(upBitsPerSecond > 0n && { upBitsPerSecond: Number(upBitsPerSecond) }),
    ...(downBitsPerSecond > 0n && { downBitsPerSecond: Number(downBitsPerSecond) }),
    ...(maxDevices > 0 && { maxDevices }),
    ...(maxDevices > 0 && deviceGrace && { deviceGraceMs: Number(deviceGrace.seconds) * 1000 + deviceGrace.nanos / 1e6 }),
    ...(maxSessions > 0 && { maxSessions }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function readQuota({ bytes, window, action, throttleBitsPerSecond, resetTime }: Quota): KeyQuota {
  const isThrottle = action === QuotaAction.QUOTA_ACTION_THROTTLE && throttleBitsPerSecond > 0n;
  const quota: KeyQuota = {
    bytes: Number(bytes),
    window: readWindow(window),
    action: isThrottle ? { kind: "throttle", bitsPerSecond: Number(throttleBitsPerSecond) } : { kind: "cut" },
    ...(resetTime && { resetAtMs: resetTime.getTime() }),
  };
  quotaWindowAt(quota, 0);
  return quota;
}

function readWindow(window: Quota["window"]): QuotaWindow {
  if (window?.$case === "lifetime") return { kind: "lifetime" };
  if (window?.$case === "rolling") return { kind: "rolling", days: window.value.days };
  const { unit, timeZone, anchorDay } = window?.value ?? { unit: CalendarUnit.CALENDAR_UNIT_MONTH, timeZone: "", anchorDay: 0 };
  return { kind: "calendar", unit: unitOf(unit), timeZone: timeZone || "UTC", anchorDay: anchorDay || 1 };
}

function unitOf(unit: CalendarUnit): "hour" | "day" | "week" | "month" {
  if (unit === CalendarUnit.CALENDAR_UNIT_HOUR) return "hour";
  if (unit === CalendarUnit.CALENDAR_UNIT_DAY) return "day";
  return unit === CalendarUnit.CALENDAR_UNIT_WEEK ? "week" : "month";
}
