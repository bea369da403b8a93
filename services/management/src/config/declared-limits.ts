import { durationMs, parseBitRate, parseQuota, parseQuotaAction, type QuotaPeriod } from "@shadowfleet/runtime";
import type { KeyLimits, KeyQuota, QuotaWindow } from "@shadowfleet/store";
import { z } from "zod";
import type { LimitField } from "../domain/limit-rules.ts";
import { declaredTime } from "./declared-time.ts";

/** What `read` makes of a text; its RangeError is the problem. */
function read<T>(parse: (text: string) => T): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as RangeError).message });
      return z.NEVER;
    }
  });
}

const amount = read(parseQuota);
const rate = read(parseBitRate);
const count = z.int().min(1);

const longQuota = z.strictObject({
  /** "50GB/month"; per hour, day, week, month, days such as "30d", or in total. A month when not said. */
  amount,
  /** IANA name. Default: UTC. */
  timeZone: z.string().min(1).optional(),
  /** Day of the month, 1 to 31, or of the week, 1 is Monday. Default: 1. */
  anchorDay: z.int().optional(),
  /** "cut" (default) or "throttle:1Mbit". */
  action: read(parseQuotaAction).optional(),
  /** What was relayed before does not count. */
  resetTime: declaredTime.optional(),
});

/** Limits of a declared key. A quota is "50GB/month" or the long form, a rate "20Mbit" for each direction or one of them alone. */
export const declaredLimits = z.strictObject({
  quota: z.union([amount.transform((text) => ({ amount: text })), longQuota]).optional(),
  rate: z
    .union([rate.transform((both) => ({ up: both, down: both })), z.strictObject({ up: rate.optional(), down: rate.optional() })])
    .optional(),
  maxDevices: count.optional(),
  /** How long an address counts after its last session. Default: 60 s. */
  deviceGrace: durationMs().optional(),
  maxSessions: count.optional(),
});

export type DeclaredLimits = z.output<typeof declaredLimits>;

/** Where a field of the API stands in the file. */
export const DECLARED_LIMIT_PATHS: Readonly<Record<LimitField, string>> = {
  "quota.bytes": "quota",
  "quota.calendar.time_zone": "quota.timeZone",
  "quota.calendar.anchor_day": "quota.anchorDay",
  "quota.rolling.days": "quota",
  "quota.throttle_bits_per_second": "quota.action",
  up_bits_per_second: "rate",
  down_bits_per_second: "rate",
  max_devices: "maxDevices",
  device_grace: "deviceGrace",
  max_sessions: "maxSessions",
};

/** The limits as they are stored; undefined where there are none. Ranges are for `checkLimits`. */
export function keyLimitsOf({ quota, rate: rates, maxDevices, deviceGrace, maxSessions }: DeclaredLimits): KeyLimits | undefined {
  const limits: KeyLimits = {
    ...(quota && { quota: keyQuota(quota) }),
    ...(rates?.up !== undefined && { upBitsPerSecond: rates.up }),
    ...(rates?.down !== undefined && { downBitsPerSecond: rates.down }),
    ...(maxDevices !== undefined && { maxDevices }),
    ...(deviceGrace !== undefined && { deviceGraceMs: deviceGrace }),
    ...(maxSessions !== undefined && { maxSessions }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

/** A calendar's fields where there is no calendar; undefined when all is well. */
export function misplacedCalendarField({ quota }: DeclaredLimits): "timeZone" | "anchorDay" | undefined {
  if (!quota || !("timeZone" in quota || "anchorDay" in quota)) return undefined;
  const { period } = quota.amount;
  if (period !== "total" && typeof period !== "object") return undefined;
  if (quota.timeZone !== undefined) return "timeZone";
  return quota.anchorDay === undefined ? undefined : "anchorDay";
}

function keyQuota(quota: NonNullable<DeclaredLimits["quota"]>): KeyQuota {
  const { amount: text, timeZone, anchorDay, action, resetTime }: z.output<typeof longQuota> = quota;
  return {
    bytes: text.bytes,
    window: windowOf(text.period ?? "month", timeZone ?? "UTC", anchorDay ?? 1),
    action: action ?? { kind: "cut" },
    ...(resetTime !== undefined && { resetAtMs: resetTime }),
  };
}

function windowOf(period: QuotaPeriod, timeZone: string, anchorDay: number): QuotaWindow {
  if (typeof period === "object") return { kind: "rolling", days: period.rollingDays };
  return period === "total" ? { kind: "lifetime" } : { kind: "calendar", unit: period, timeZone, anchorDay };
}
