const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNITS: readonly (readonly [number, string])[] = [
  [DAY, "d"],
  [HOUR, "h"],
  [MINUTE, "min"],
  [1, "s"],
];

const dateFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const momentFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** "12 d", "3 h", "5 min", "40 s": the largest unit. */
export function spanText(seconds: number): string {
  const rest = Math.max(0, Math.round(seconds));
  const [size, name] = UNITS.find(([one]) => rest >= one) ?? [1, "s"];
  return `${Math.floor(rest / size)} ${name}`;
}

/** "5 min ago", or the date when that is long ago; "in 3 d" for what is to come. */
export function whenText(time: string | undefined, nowMs = Date.now()): string {
  if (time === undefined) return "never";
  const seconds = (Date.parse(time) - nowMs) / 1_000;
  if (Math.abs(seconds) < 2) return "now";
  if (Math.abs(seconds) > 60 * DAY) return dateFormat.format(new Date(time));
  return seconds < 0 ? `${spanText(-seconds)} ago` : `in ${spanText(seconds)}`;
}

/** Date and time in the zone of who looks. */
export const momentText = (time: string | undefined): string => (time === undefined ? "" : momentFormat.format(new Date(time)));

const SPAN_UNITS: Readonly<Record<string, number>> = { s: 1, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };

/** Seconds of "24 h", "90 min", "2 days"; undefined when it is not understood. */
export function parseSpan(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)$/i.exec(text.trim());
  const seconds = Number(match?.[1]) * (SPAN_UNITS[match?.[2]?.charAt(0).toLowerCase() ?? ""] ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.round(seconds) : undefined;
}

/** The time, as RFC 3339, of "30 days" from now on, "2027-01-31" or "2027-01-31 18:00" here; undefined when it is not understood. */
export function parseMoment(text: string, nowMs = Date.now()): string | undefined {
  const span = parseSpan(text);
  if (span !== undefined) return new Date(nowMs + span * 1_000).toISOString();
  const match = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}))?$/.exec(text.trim());
  const date = match && new Date(`${match[1]}T${match[2] ?? "00:00"}`);
  return date && !Number.isNaN(date.getTime()) ? date.toISOString() : undefined;
}

/** For input fields: "2027-01-31 18:00", here. */
export function exactMoment(time: string): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
