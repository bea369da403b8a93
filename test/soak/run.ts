/**
 * The soak: `node test/soak/run.ts [--minutes N] [--plot FILE]`. Churn with faults mixed in; prints what every figure grew by, and writes the plot. Exit
 * code 1: a figure is not flat, something was left open, or the leaking stand-in was not seen.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { LEAKING, soak } from "./soak.ts";
import { soakPlot } from "./soak-plot.ts";
import { leftText, soakTable } from "./soak-table.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" }, plot: { type: "string" } } });
const minutes = Number(values.minutes);
/** Caches and pools fill, UDP sessions of 2022 methods and salts are kept for a minute. */
const WARM_UP_S = Math.min(150, minutes * 9);

const report = await soak({
  warmUpS: WARM_UP_S,
  rampS: 75,
  lastsS: minutes * 60,
  sampleEveryS: 5,
  faults: ["redis-answers-lost", "relay-killed", "redis-partition", "udp-relay-killed", "management-partition", "redis-frozen", "garbage"],
  faultEveryS: 20,
  quietS: 70,
});
console.log(soakTable(report.verdicts));
console.log(
  `\n${[...report.done].map(([what, count]) => `${count.toLocaleString("en")} ${what} (${report.failed.get(what)} spoilt)`).join(", ")}`,
);
console.log(`${report.faults} faults`);
for (const left of report.left) console.log(leftText(left));
if (values.plot) writeFileSync(values.plot, soakPlot(report.verdicts));
const isLeaking = (part: string): boolean => part === LEAKING;
const grown = report.verdicts.filter(({ series, isFlat }) => !isFlat && !isLeaking(series.part));
const left = report.left.filter(({ part }) => !isLeaking(part));
const isSeen = ["rss", "heap", "descriptors", "timers"].every((figure) =>
  report.verdicts.some(({ series, isFlat }) => isLeaking(series.part) && series.figure === figure && !isFlat),
);
console.log(`\n${grown.length} figures not flat, ${left.length} left behind; the leaking stand-in was ${isSeen ? "seen" : "NOT seen"}`);
process.exit(grown.length + left.length > 0 || !isSeen ? 1 : 0);
