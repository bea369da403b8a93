import { type TrafficBucket, upDown } from "../api/messages.ts";
import { h, s } from "../dom/element.ts";
import { bytesText } from "../format/amounts.ts";

const HOURS = 24;
const HOUR_MS = 3_600_000;
const WIDTH = 480;
const HEIGHT = 72;
const GAP = 3;

/** What a key relayed in each of the last 24 hours. */
export function hourChart(buckets: readonly TrafficBucket[], nowMs: number): HTMLElement {
  const lastHour = Math.floor(nowMs / HOUR_MS);
  const bytes = Array.from({ length: HOURS }, () => 0);
  for (const bucket of buckets) {
    const index = HOURS - 1 - (lastHour - Math.floor(Date.parse(bucket.startTime) / HOUR_MS));
    const { up, down } = upDown(bucket.bytes);
    if (index >= 0 && index < HOURS) bytes[index] = up + down;
  }
  const top = Math.max(...bytes, 1);
  const step = WIDTH / HOURS;
  const bars = bytes.map((value, index) => {
    const height = value === 0 ? 1 : Math.max(3, (value / top) * HEIGHT);
    const hour = new Date((lastHour - HOURS + 1 + index) * HOUR_MS).getHours();
    const bar = {
      x: index * step + GAP / 2,
      y: HEIGHT - height,
      width: step - GAP,
      height,
      rx: 1.5,
      class: value === 0 ? "bar bar-none" : "bar",
    };
    return s("rect", bar, s("title", {}, `${String(hour).padStart(2, "0")}:00, ${bytesText(value)}`));
  });
  const sum = bytes.reduce((all, value) => all + value, 0);
  const label = `Traffic of the last 24 hours: ${bytesText(sum)}, at most ${bytesText(Math.max(...bytes))} in an hour`;
  const chart = s("svg", { class: "hours", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, ...bars);
  return h(
    "figure",
    { class: "chart" },
    chart,
    h("figcaption", {}, h("span", {}, "24 h ago"), h("span", {}, bytesText(sum)), h("span", {}, "now")),
  );
}
