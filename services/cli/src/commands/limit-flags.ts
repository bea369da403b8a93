import { AccessKeyLimits, CalendarUnit, type CalendarWindow, Quota, QuotaAction } from "@shadowfleet/control-api";
import type { QuotaPeriod } from "@shadowfleet/runtime";
import { type FlagValues, switchFlag, textFlag, valueFlag } from "../arguments/flag.ts";
import { readAnchorDay, readBitRate, readCount, readGrace, readQuota, readQuotaAction } from "../arguments/limit-values.ts";
import { UsageError } from "../arguments/usage-error.ts";

/** How much, how fast and how often an access key may be used. */
export const LIMIT_FLAGS = {
  quota: valueFlag("SIZE/PERIOD", 'bytes up and down together: "50GB/month", "2GiB/day", "10GB/30d" (rolling), "100GB/total"', readQuota),
  quotaTimeZone: textFlag("ZONE", 'whose calendar it is, such as "Europe/Berlin" (default: UTC)'),
  quotaAnchor: valueFlag("DAY", 'when the month begins, 1 to 31, or the week, such as "monday" (default: the first)', readAnchorDay),
  quotaAction: valueFlag("ACTION", '"cut" (default), or "throttle:1Mbit" to go on at that rate', readQuotaAction),
  rate: valueFlag("RATE", 'up to so much in each direction: "20Mbit", "500kbit"', readBitRate),
  rateUp: valueFlag("RATE", "client to target alone", readBitRate),
  rateDown: valueFlag("RATE", "target to client alone", readBitRate),
  maxDevices: valueFlag("N", "client addresses at a time", readCount),
  deviceGrace: valueFlag("DURATION", "how long an address counts after its last session (default: 60s, at most 1h)", readGrace),
  maxSessions: valueFlag("N", "TCP connections and UDP associations at a time", readCount),
};

/** What takes limits away. */
export const NO_LIMIT_FLAGS = {
  noQuota: switchFlag("no quota"),
  noRate: switchFlag("as fast as it goes, both directions"),
  noMaxDevices: switchFlag("from any number of addresses"),
  noMaxSessions: switchFlag("any number of sessions"),
};

type LimitFlags = FlagValues<typeof LIMIT_FLAGS>;
type NoLimitFlags = FlagValues<typeof NO_LIMIT_FLAGS>;

/** New limits and which of them are meant, as UpdateAccessKey takes them. */
export interface LimitChange {
  readonly limits: AccessKeyLimits;
  readonly mask: readonly string[];
}

const UNITS: Readonly<Record<"hour" | "day" | "week" | "month", CalendarUnit>> = {
  hour: CalendarUnit.CALENDAR_UNIT_HOUR,
  day: CalendarUnit.CALENDAR_UNIT_DAY,
  week: CalendarUnit.CALENDAR_UNIT_WEEK,
  month: CalendarUnit.CALENDAR_UNIT_MONTH,
};
const MONTH: CalendarWindow = { unit: CalendarUnit.CALENDAR_UNIT_MONTH, timeZone: "", anchorDay: 0 };

/** A part of the quota is changed, so the rest of it has to be known. */
export function needsPresentQuota({ quota, quotaTimeZone, quotaAnchor, quotaAction }: LimitFlags): boolean {
  return [quota, quotaTimeZone, quotaAnchor, quotaAction].some((given) => given !== undefined);
}

/**
 * What the flags say. Parts of a quota that are not said stay as they are in `present`. Throws UsageError for flags that exclude each other, and where there
 * is no quota to change.
 */
export function limitChange(flags: LimitFlags & Partial<NoLimitFlags>, present: Quota | undefined): LimitChange {
  const {
    rate,
    rateUp = rate,
    rateDown = rate,
    maxDevices,
    deviceGrace,
    maxSessions,
    noQuota,
    noRate,
    noMaxDevices,
    noMaxSessions,
  } = flags;
  if (rate !== undefined && flags.rateUp !== undefined && flags.rateDown !== undefined)
    throw new UsageError("--rate says nothing beside --rate-up and --rate-down");
  const isQuota = needsPresentQuota(flags);
  exclude("--quota", isQuota, "--no-quota", noQuota);
  exclude("a rate", rateUp !== undefined || rateDown !== undefined, "--no-rate", noRate);
  exclude("--max-devices", maxDevices !== undefined, "--no-max-devices", noMaxDevices);
  exclude("--max-sessions", maxSessions !== undefined, "--no-max-sessions", noMaxSessions);
  const limits = AccessKeyLimits.fromPartial({
    ...(isQuota && { quota: quotaOf(flags, present) }),
    upBitsPerSecond: BigInt(rateUp ?? 0),
    downBitsPerSecond: BigInt(rateDown ?? 0),
    maxDevices: maxDevices ?? 0,
    ...(deviceGrace !== undefined && {
      deviceGrace: { seconds: BigInt(Math.floor(deviceGrace / 1_000)), nanos: (deviceGrace % 1_000) * 1e6 },
    }),
    maxSessions: maxSessions ?? 0,
  });
  const parts: readonly (readonly [path: string, isMeant: boolean | undefined])[] = [
    ["limits.quota", isQuota || noQuota],
    ["limits.up_bits_per_second", rateUp !== undefined || noRate],
    ["limits.down_bits_per_second", rateDown !== undefined || noRate],
    ["limits.max_devices", maxDevices !== undefined || noMaxDevices],
    ["limits.device_grace", deviceGrace !== undefined],
    ["limits.max_sessions", maxSessions !== undefined || noMaxSessions],
  ];
  return { limits, mask: parts.flatMap(([path, isMeant]) => (isMeant ? [path] : [])) };
}

function quotaOf({ quota, quotaTimeZone, quotaAnchor, quotaAction }: LimitFlags, present: Quota | undefined): Quota {
  if (quota === undefined && present === undefined)
    throw new UsageError("--quota-time-zone, --quota-anchor and --quota-action go with --quota");
  const window = quota?.period === undefined ? present?.window : windowOf(quota.period, present?.window);
  return Quota.fromPartial({
    bytes: quota === undefined ? (present?.bytes ?? 0n) : BigInt(quota.bytes),
    window: calendarOf(window, quotaTimeZone, quotaAnchor),
    ...(quotaAction
      ? actionOf(quotaAction)
      : { action: present?.action ?? 0, throttleBitsPerSecond: present?.throttleBitsPerSecond ?? 0n }),
  });
}

/** Another period keeps the time zone; the anchor is of a week or of a month, hence goes with the unit. */
function windowOf(period: QuotaPeriod, present: Quota["window"]): Quota["window"] {
  if (typeof period === "object") return { $case: "rolling", value: { days: period.rollingDays } };
  if (period === "total") return { $case: "lifetime", value: {} };
  const before = present?.$case === "calendar" ? present.value : MONTH;
  const anchorDay = before.unit === UNITS[period] ? before.anchorDay : 0;
  return { $case: "calendar", value: { unit: UNITS[period], timeZone: before.timeZone, anchorDay } };
}

function calendarOf(window: Quota["window"], timeZone: string | undefined, anchorDay: number | undefined): Quota["window"] {
  if (timeZone === undefined && anchorDay === undefined) return window;
  if (window !== undefined && window.$case !== "calendar")
    throw new UsageError("--quota-time-zone and --quota-anchor go with a quota by the hour, day, week or month");
  const { value } = window ?? { value: MONTH };
  return { $case: "calendar", value: { ...value, timeZone: timeZone ?? value.timeZone, anchorDay: anchorDay ?? value.anchorDay } };
}

function actionOf(action: NonNullable<LimitFlags["quotaAction"]>): Pick<Quota, "action" | "throttleBitsPerSecond"> {
  if (action.kind === "cut") return { action: QuotaAction.QUOTA_ACTION_CUT, throttleBitsPerSecond: 0n };
  return { action: QuotaAction.QUOTA_ACTION_THROTTLE, throttleBitsPerSecond: BigInt(action.bitsPerSecond) };
}

function exclude(name: string, isGiven: boolean, otherName: string, isOther: boolean | undefined): void {
  if (isGiven && isOther) throw new UsageError(`${name} and ${otherName} exclude each other`);
}
