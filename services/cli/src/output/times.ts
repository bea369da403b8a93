const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const two = (value: number): string => String(Math.abs(value)).padStart(2, "0");

/** "2026-11-23 04:37:12 +01:00": local time with its zone. */
export function formatTime(time: Date): string {
  const date = `${String(time.getFullYear()).padStart(4, "0")}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${formatClock(time)} ${formatZone(time)}`;
}

/** "04:37:12", local. */
export function formatClock(time: Date): string {
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

function formatZone(time: Date): string {
  const minutes = -time.getTimezoneOffset();
  return `${minutes < 0 ? "-" : "+"}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`;
}

/** "3d 4h", "12m", "8s": the two largest units, rounded down. */
export function formatSpan(ms: number): string {
  if (ms < SECOND_MS) return "0s";
  const parts = [
    [Math.floor(ms / DAY_MS), "d"],
    [Math.floor((ms % DAY_MS) / HOUR_MS), "h"],
    [Math.floor((ms % HOUR_MS) / MINUTE_MS), "m"],
    [Math.floor((ms % MINUTE_MS) / SECOND_MS), "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .flatMap(([count, unit]) => (count > 0 ? [`${count}${unit}`] : []))
    .join(" ");
}

/** "2026-11-23 04:37:12 +01:00 (in 3d 4h)" or "(5m ago)". */
export function formatTimeFromNow(time: Date, nowMs: number): string {
  const aheadMs = time.getTime() - nowMs;
  return `${formatTime(time)} (${aheadMs >= 0 ? `in ${formatSpan(aheadMs)}` : `${formatSpan(-aheadMs)} ago`})`;
}
