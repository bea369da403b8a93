import { parseBitRate, parseDuration, parseQuota, parseQuotaAction, type QuotaActionText, type QuotaText } from "@shadowfleet/runtime";
import type { ReadText } from "./flag.ts";

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MAX_COUNT = 0xffff_ffff;

/** "50GB/month", "2GiB/30d", "100GB/total", or a size alone. */
export const readQuota: ReadText<QuotaText> = (text) => parseQuota(text);

export const readQuotaAction: ReadText<QuotaActionText> = (text) => parseQuotaAction(text);

/** Bits a second. */
export const readBitRate: ReadText<number> = (text) => parseBitRate(text);

/** A day of the month, or of the week by its name or number; which of them it can be is for the quota to say. */
export const readAnchorDay: ReadText<number> = (text) => {
  const named = text.length >= 3 ? DAYS.findIndex((day) => day.startsWith(text.toLowerCase())) + 1 : 0;
  const day = named || (/^\d{1,2}$/.test(text) ? Number(text) : 0);
  if (day < 1 || day > 31) throw new RangeError('expected a day of the month from 1 to 31, or a day of the week such as "monday"');
  return day;
};

/** A number from 1 on. */
export const readCount: ReadText<number> = (text) => {
  const count = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > MAX_COUNT) throw new RangeError(`expected a whole number from 1 to ${MAX_COUNT}`);
  return count;
};

/** Milliseconds; none is allowed. */
export const readGrace: ReadText<number> = (text) => parseDuration(text);
