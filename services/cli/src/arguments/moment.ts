import { parseDuration } from "@shadowfleet/runtime";

const WANTED = `a time such as "2027-01-31", "2027-01-31T18:00" (local) or "2027-01-31T18:00Z", or a duration such as "12h" or "30d"`;
const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?(Z|[+-]\d\d:\d\d)?$/;
const MINUTE_MS = 60_000;
/** The last moment of year 9999, beyond which neither RFC 3339 nor protobuf has a time. */
const LATEST_MS = Date.UTC(10_000, 0) - 1;

/**
 * A point in time as people write it: a date (its first moment), a date with a time, both local unless a zone follows, or a duration from now
 * (`ahead`) or before now (`ago`). Throws RangeError, with a sentence for a person, for anything else and for dates that no calendar has.
 */
export function parseMoment(text: string, nowMs: number, direction: "ahead" | "ago"): Date {
  const [, year, month, day, hour = "0", minute = "0", second = "0", zone] = TIME.exec(text.trim()) ?? [];
  if (year === undefined) return moved(text, nowMs, direction);
  const wanted = [Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)] as const;
  const asUtc = new Date(Date.UTC(...wanted));
  const got = [
    asUtc.getUTCFullYear(),
    asUtc.getUTCMonth(),
    asUtc.getUTCDate(),
    asUtc.getUTCHours(),
    asUtc.getUTCMinutes(),
    asUtc.getUTCSeconds(),
  ];
  if (wanted.some((part, index) => part !== got[index])) throw new RangeError("no calendar has that date or time");
  return zone === undefined ? new Date(...wanted) : new Date(asUtc.getTime() - offsetMs(zone));
}

function moved(text: string, nowMs: number, direction: "ahead" | "ago"): Date {
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    // "5" and "5 weeks" are nearly durations, and the reason says what is missing; for the rest name all that is possible.
    throw /^\d/.test(text) && !text.includes("-") ? error : new RangeError(`expected ${WANTED}`);
  }
  const moment = nowMs + (direction === "ahead" ? ms : -ms);
  if (moment > LATEST_MS || moment < 0) throw new RangeError("is too far away");
  return new Date(moment);
}

function offsetMs(zone: string): number {
  if (zone === "Z") return 0;
  const [hours = 0, minutes = 0] = zone.slice(1).split(":").map(Number);
  if (hours > 23 || minutes > 59) throw new RangeError("no place has that zone");
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
}
