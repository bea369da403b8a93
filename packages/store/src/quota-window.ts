import type { FleetStore } from "./fleet-store.ts";
import type { KeyQuota, QuotaWindow } from "./key-limits.ts";
import { type ByteCounts, HOUR_MS } from "./traffic.ts";

const DAY_MS = 24 * HOUR_MS;
/** A window is kept so long after its end, for relays whose last report comes late. */
const FORGET_AFTER_MS = 2 * HOUR_MS;
/** A lifetime has no end; its window is kept while somebody speaks of it at least once in so long. */
const LIFETIME_SILENCE_MS = 400 * DAY_MS;

/** One window of a quota. Times are milliseconds since 1970. */
export interface QuotaInterval {
  /** The same for every process that asks within the window; another after a reset. */
  readonly id: string;
  /** Undefined for lifetime. */
  readonly startMs: number | undefined;
  /** When the next one begins; undefined for lifetime. */
  readonly endMs: number | undefined;
  /** Usage counts from here: the start or the last reset, whichever came later. Undefined: everything ever. */
  readonly countFromMs: number | undefined;
  /** When the store may forget it. */
  readonly forgetAtMs: number;
}

type CalendarWindow = Extract<QuotaWindow, { kind: "calendar" }>;
type Span = Pick<QuotaInterval, "startMs" | "endMs"> & { readonly name: string };

interface Computed {
  readonly interval: QuotaInterval;
  readonly fromMs: number;
  readonly untilMs: number;
}

const computed = new WeakMap<KeyQuota, Computed>();

/**
 * The window that a moment lies in. Windows of a calendar touch each other exactly, whatever the clocks of the time zone do: a day that has no midnight
 * begins with its first moment, a day that does not exist is no window. A rolling window belongs to one UTC hour: it starts so many days before that
 * hour and is left with it. Cheap to ask again. Throws RangeError for a time zone that is none.
 */
export function quotaWindowAt(quota: KeyQuota, nowMs: number): QuotaInterval {
  const known = computed.get(quota);
  if (known && nowMs >= known.fromMs && nowMs < known.untilMs) return known.interval;
  const { name, startMs, endMs } = spanAt(quota.window, nowMs);
  const { resetAtMs } = quota;
  const interval: QuotaInterval = {
    id: resetAtMs === undefined ? name : `${name}/${resetAtMs}`,
    startMs,
    endMs,
    countFromMs: resetAtMs === undefined || (startMs !== undefined && startMs > resetAtMs) ? startMs : resetAtMs,
    forgetAtMs: endMs === undefined ? nowMs + LIFETIME_SILENCE_MS : endMs + FORGET_AFTER_MS,
  };
  const fromMs = quota.window.kind === "rolling" ? hourOf(nowMs) : (startMs ?? nowMs);
  computed.set(quota, { interval, fromMs, untilMs: endMs ?? nowMs + DAY_MS });
  return interval;
}

/**
 * What an access key has relayed in a window so far, for the first lease of it. Hour buckets know whole hours of UTC only: the hour in which the
 * counting begins is left out unless it begins with it, so that nothing from before counts. Too little is found by at most the rest of that hour, and
 * only by what was relayed in it before anybody leased; too much, where a window begins in the middle of traffic, by what was relayed between its
 * beginning and the first lease. A lifetime that was reset counts exactly when the key's counters were reset at the same time.
 */
export async function readQuotaBase(
  store: Pick<FleetStore, "readTraffic" | "readBuckets">,
  keyId: string,
  { startMs, countFromMs }: QuotaInterval,
): Promise<number> {
  if (startMs === undefined) {
    const { total, resetMark, resetAtMs } = await store.readTraffic({ kind: "key", id: keyId });
    if (countFromMs === undefined) return bytesOf(total);
    if (countFromMs === resetAtMs) return bytesOf(total) - bytesOf(resetMark);
  }
  const buckets = await store.readBuckets(keyId, countFromMs!, Number.MAX_SAFE_INTEGER);
  return buckets.reduce((sum, { bytes }) => sum + bytesOf(bytes), 0);
}

const bytesOf = ({ tcpUp, tcpDown, udpUp, udpDown }: ByteCounts): number => tcpUp + tcpDown + udpUp + udpDown;
const hourOf = (ms: number): number => ms - (ms % HOUR_MS);

function spanAt(window: QuotaWindow, nowMs: number): Span {
  if (window.kind === "lifetime") return { name: "lifetime", startMs: undefined, endMs: undefined };
  if (window.kind === "rolling") {
    const hourMs = hourOf(nowMs);
    return { name: `rolling-${window.days}/${hourMs}`, startMs: hourMs - window.days * DAY_MS, endMs: hourMs + HOUR_MS };
  }
  const [startMs, endMs] = window.unit === "hour" ? hourAt(window.timeZone, nowMs) : periodAt(window, nowMs);
  return { name: `${window.unit}/${startMs}`, startMs, endMs };
}

/** From full hour to full hour of the zone's clock, or to where the clock jumps: only Lord Howe's jumps by less than an hour. */
function hourAt(timeZone: string, nowMs: number): [number, number] {
  const now = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timeZone);
  const offsetMs = now.offsetNanoseconds / 1e6;
  const startMs = hourOf(nowMs + offsetMs) - offsetMs;
  // The transition at this very moment is a previous one.
  const last = now.add({ nanoseconds: 1 }).getTimeZoneTransition("previous")?.epochMilliseconds ?? startMs;
  const next = now.getTimeZoneTransition("next")?.epochMilliseconds ?? startMs + HOUR_MS;
  return [Math.max(startMs, last), Math.min(startMs + HOUR_MS, next)];
}

/** Days, weeks and months: the last one that has begun, found from the date that the clock shows. */
function periodAt(window: CalendarWindow, nowMs: number): [number, number] {
  const startOf = (date: Temporal.PlainDate): number => date.toZonedDateTime(window.timeZone).epochMilliseconds;
  let first = firstDayOf(window, Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(window.timeZone).toPlainDate());
  let next = nextFirstDay(window, first);
  // The clock may have been set back over midnight, and days that do not exist begin and end at once.
  while (startOf(next) <= nowMs) [first, next] = [next, nextFirstDay(window, next)];
  return [startOf(first), startOf(next)];
}

/** The first day of the period that a date lies in. */
function firstDayOf({ unit, anchorDay }: CalendarWindow, date: Temporal.PlainDate): Temporal.PlainDate {
  if (unit === "day") return date;
  if (unit === "week") return date.subtract({ days: (date.dayOfWeek - anchorDay + 7) % 7 });
  const inThisMonth = anchorIn(date.toPlainYearMonth(), anchorDay);
  if (Temporal.PlainDate.compare(inThisMonth, date) <= 0) return inThisMonth;
  return anchorIn(date.toPlainYearMonth().subtract({ months: 1 }), anchorDay);
}

function nextFirstDay({ unit, anchorDay }: CalendarWindow, first: Temporal.PlainDate): Temporal.PlainDate {
  if (unit === "day") return first.add({ days: 1 });
  if (unit === "week") return first.add({ days: 7 });
  return anchorIn(first.toPlainYearMonth().add({ months: 1 }), anchorDay);
}

function anchorIn(month: Temporal.PlainYearMonth, anchorDay: number): Temporal.PlainDate {
  return month.toPlainDate({ day: Math.min(anchorDay, month.daysInMonth) });
}
