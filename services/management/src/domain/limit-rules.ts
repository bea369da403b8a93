import { type KeyLimits, type KeyQuota, MAX_ROLLING_DAYS } from "@shadowfleet/store";

/** A field of AccessKeyLimits by its path in proto names. */
export type LimitField =
  | "quota.bytes"
  | "quota.calendar.time_zone"
  | "quota.calendar.anchor_day"
  | "quota.rolling.days"
  | "quota.throttle_bits_per_second"
  | "up_bits_per_second"
  | "down_bits_per_second"
  | "max_devices"
  | "device_grace"
  | "max_sessions";

/** Below it a TCP handshake takes minutes, and nobody can tell a limit from a fault. */
export const MIN_BITS_PER_SECOND = 8_000;
export const MAX_DEVICE_GRACE_MS = 3_600_000;
const MAX_COUNT = 0xffff_ffff;

type Report = (field: LimitField, reason: string) => void;

/** Reports everything that is wrong with the limits of a key. */
export function checkLimits(limits: KeyLimits, report: Report): void {
  const { quota, upBitsPerSecond, downBitsPerSecond, maxDevices, deviceGraceMs, maxSessions } = limits;
  if (quota) checkQuota(quota, report);
  checkRate("up_bits_per_second", upBitsPerSecond, report);
  checkRate("down_bits_per_second", downBitsPerSecond, report);
  checkCount("max_devices", maxDevices, report);
  checkCount("max_sessions", maxSessions, report);
  if (deviceGraceMs !== undefined && !(deviceGraceMs >= 0 && deviceGraceMs <= MAX_DEVICE_GRACE_MS))
    report("device_grace", "must be from 0 s to 1 h");
}

function checkQuota({ bytes, window, action }: KeyQuota, report: Report): void {
  if (!isWhole(bytes, 1, Number.MAX_SAFE_INTEGER)) report("quota.bytes", "must be from 1 to 2^53 - 1");
  if (window.kind === "calendar") {
    if (!isTimeZone(window.timeZone)) report("quota.calendar.time_zone", 'must be an IANA time zone such as "Europe/Berlin" or "UTC"');
    const highest = { hour: 1, day: 1, week: 7, month: 31 }[window.unit];
    if (!isWhole(window.anchorDay, 1, highest)) {
      const isDated = window.unit === "week" || window.unit === "month";
      report(
        "quota.calendar.anchor_day",
        isDated ? `must be from 1 to ${highest} for a ${window.unit}` : `is for weeks and months; a quota by the ${window.unit} has none`,
      );
    }
  }
  if (window.kind === "rolling" && !isWhole(window.days, 1, MAX_ROLLING_DAYS))
    report("quota.rolling.days", `must be from 1 to ${MAX_ROLLING_DAYS}`);
  if (action.kind === "throttle") checkRate("quota.throttle_bits_per_second", action.bitsPerSecond, report);
}

function checkRate(field: LimitField, bitsPerSecond: number | undefined, report: Report): void {
  if (bitsPerSecond === undefined) return;
  if (!isWhole(bitsPerSecond, MIN_BITS_PER_SECOND, Number.MAX_SAFE_INTEGER))
    report(field, `must be at least ${MIN_BITS_PER_SECOND} bits a second (8 kbit/s)`);
}

function checkCount(field: LimitField, count: number | undefined, report: Report): void {
  if (count !== undefined && !isWhole(count, 1, MAX_COUNT)) report(field, `must be from 1 to ${MAX_COUNT}`);
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

/** A name: offsets such as "+01:00" know no summer. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
