import { FIGURES, type FigureName } from "../measure/figures.ts";
import type { Summary } from "../measure/statistics.ts";
import { labelOf, type Scenario } from "../scenario.ts";
import type { ScenarioResult } from "../suite.ts";
import type { Contestants, Verdict } from "../verdict.ts";
import { type BenchReport, ratioOf } from "./bench-report.ts";

const HEADLINES: Readonly<Record<Scenario["kind"], readonly FigureName[]>> = {
  bulk: ["throughput", "localCpuPerGib", "serverCpuPerGib"],
  connections: ["localConnectionsPerCpuSecond", "serverConnectionsPerCpuSecond"],
  latency: ["p50Us", "p99Us"],
  idle: ["localKibPerConnection", "serverKibPerConnection"],
  udp: ["localPacketsPerCpuSecond", "serverPacketsPerCpuSecond"],
};

const WIDTH = 960;
const LABEL_WIDTH = 430;
const VALUE_WIDTH = 60;
const ROW_HEIGHT = 18;
const HEAD_HEIGHT = 64;
const FOOT_HEIGHT = 26;
/** The axis is logarithmic, because twice as good and half as good are as far from even. */
const AXIS = [0.125, 0.25, 0.5, 1, 2, 4, 8];

interface PlotRow {
  readonly label: string;
  /** How many times as good as the reference; above 1 is better, whichever way the figure goes. */
  readonly factor: Summary;
  readonly limit: number | undefined;
  readonly isMissed: boolean;
}

/** A dot plot of every headline ratio, with its spread and its budget. A string of SVG; rows without a ratio are left out. */
export function reportPlot(report: BenchReport, who: Contestants): string {
  const rows = report.results.flatMap((result) => rowsOf(result, report.verdicts, who));
  const height = HEAD_HEIGHT + rows.length * ROW_HEIGHT + FOOT_HEIGHT;
  const bottom = HEAD_HEIGHT + rows.length * ROW_HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="11" fill="#222">`,
    `<title>${escapeXml(`${who.ours} beside ${who.reference}`)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="12" y="22" font-size="15" font-weight="600">${escapeXml(`${who.ours}: times as good as ${who.reference}`)}</text>`,
    `<text x="12" y="40" fill="#666">Dot: median of rounds. Line: lowest to highest round. Tick: budget. Right of 1 is better than ${escapeXml(who.reference)}.</text>`,
    ...AXIS.map((factor) => gridLine(factor, bottom)),
    ...rows.map((row, index) => drawRow(row, HEAD_HEIGHT + index * ROW_HEIGHT)),
    "</svg>\n",
  ].join("\n");
}

function rowsOf(result: ScenarioResult, verdicts: readonly Verdict[], who: Contestants): PlotRow[] {
  return HEADLINES[result.scenario.kind].flatMap((figure) => {
    const ratio = ratioOf(result, who.ours, who.reference, figure);
    if (!ratio || !(ratio.low > 0)) return [];
    const verdict = verdicts.find(
      (candidate) =>
        candidate.side === who.ours &&
        candidate.scenario === result.scenario &&
        candidate.figure === figure &&
        candidate.budget.judge === "ratio",
    );
    const limit = verdict && factorOf(figure, verdict.budget.limit);
    const label = `${labelOf(result.scenario)}: ${FIGURES[figure].label}`;
    return [{ label, factor: factorsOf(figure, ratio), limit, isMissed: verdict?.isMet === false }];
  });
}

/** The same ratio read so that more is better. */
function factorOf(figure: FigureName, ratio: number): number {
  return FIGURES[figure].better === "higher" ? ratio : 1 / ratio;
}

function factorsOf(figure: FigureName, { median, low, high, rounds }: Summary): Summary {
  const [a, b] = [factorOf(figure, low), factorOf(figure, high)];
  return { median: factorOf(figure, median), low: Math.min(a, b), high: Math.max(a, b), rounds };
}

/** Horizontal position; what is off the axis sits at its end. */
export function positionOf(factor: number): number {
  const [first, last] = [Math.log2(AXIS[0]!), Math.log2(AXIS.at(-1)!)];
  const share = (Math.min(last, Math.max(first, Math.log2(factor))) - first) / (last - first);
  return Math.round((LABEL_WIDTH + share * (WIDTH - LABEL_WIDTH - VALUE_WIDTH)) * 10) / 10;
}

function gridLine(factor: number, bottom: number): string {
  const x = positionOf(factor);
  const stroke = factor === 1 ? "#888" : "#e4e4e4";
  return `<line x1="${x}" y1="${HEAD_HEIGHT - 6}" x2="${x}" y2="${bottom}" stroke="${stroke}"/><text x="${x}" y="${bottom + 16}" text-anchor="middle" fill="#666">${factor}</text>`;
}

function drawRow({ label, factor, limit, isMissed }: PlotRow, top: number): string {
  const y = top + ROW_HEIGHT / 2;
  const colour = isMissed ? "#c0392b" : limit === undefined ? "#4a6fa5" : "#2e8b57";
  const tick =
    limit === undefined
      ? ""
      : `<line x1="${positionOf(limit)}" y1="${y - 6}" x2="${positionOf(limit)}" y2="${y + 6}" stroke="#b8860b" stroke-width="2"/>`;
  return [
    `<text x="${LABEL_WIDTH - 10}" y="${y + 4}" text-anchor="end">${escapeXml(label)}</text>`,
    `<line x1="${positionOf(factor.low)}" y1="${y}" x2="${positionOf(factor.high)}" y2="${y}" stroke="${colour}" stroke-width="2"/>`,
    tick,
    `<circle cx="${positionOf(factor.median)}" cy="${y}" r="4" fill="${colour}"/>`,
    `<text x="${WIDTH - VALUE_WIDTH + 12}" y="${y + 4}" font-weight="600" fill="${colour}">${factor.median.toFixed(2)}</text>`,
  ].join("");
}

export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
