import { FIGURES, type FigureName } from "../measure/figures.ts";
import type { Summary } from "../measure/statistics.ts";
import { KINDS, type Kind, labelOf } from "../scenario.ts";
import type { ScenarioResult } from "../suite.ts";
import { judgedValue, type Verdict } from "../verdict.ts";
import { type BenchReport, COLUMNS, COMPARED, ratioOf, summaryOf } from "./bench-report.ts";
import { textTable } from "./text-table.ts";

const TITLES: Readonly<Record<Kind, string>> = {
  bulk: "Bulk",
  connections: "Short connections: connect, 1 KiB request, 1 KiB answer, close",
  latency: "Latency of a 1 KiB echo at a fixed rate",
  idle: "Idle connections",
  udp: "UDP through one association",
};
const BUSY_GENERATOR_PERCENT = 85;
const BUSY_MACHINE_LOAD = 0.5;

/** The report for people: what was run, where, the gates, a table for each kind. */
export function reportMarkdown(report: BenchReport): string {
  const kinds = KINDS.filter((kind) => report.results.some(({ scenario }) => scenario.kind === kind));
  const sections = [headOf(report), gatesTable(report.verdicts), ...kinds.map((kind) => kindSection(report, kind)), notesOf(report)];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function headOf({ startedAt, tookSeconds, machine, sides, timing }: BenchReport): string {
  const { cpu, cores, memoryGib, kernel, loadBefore } = machine;
  return [
    `# Benchmark of ${startedAt.toISOString().slice(0, 16).replace("T", " ")} UTC`,
    "",
    `- ${sides.map(({ version }) => version).join("; ")}`,
    `- ${cpu}, ${cores} cores, ${memoryGib.toFixed(0)} GiB, Linux ${kernel}; load before the first run ${loadBefore.toFixed(2)}`,
    `- ${timing.rounds} rounds of ${timing.windowMs / 1000} s per side, in turns, after a dropped run with ${timing.warmUpMs / 1000} s of warm-up (short connections ${timing.connectionsWarmUpMs / 1000} s); took ${Math.round(tookSeconds)} s`,
    "- Cells are medians of rounds; ratios are medians of each round's ratio, with the lowest and the highest in brackets.",
  ].join("\n");
}

export function gatesTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "";
  const rows = verdicts.map(({ budget, scenario, figure, summary, isMet, isHeld, side }) => [
    side,
    budget.name,
    scenario ? labelOf(scenario) : "",
    FIGURES[figure].label,
    summary ? judgedValue(budget, summary).toFixed(2) : "none",
    summary ? `${summary.low.toFixed(2)}–${summary.high.toFixed(2)}` : "",
    `${budget.bound === "at most" ? "≤" : "≥"} ${budget.limit}${budget.judge === "ratio" ? " ×" : ""}`,
    isMet ? "ok" : isHeld ? "MISSED" : `LOST (${budget.bound} ${budget.floor})`,
  ]);
  return `## Budgets\n\n${textTable(["", "budget", "scenario", "figure", "value", "spread", "limit", ""], rows)}`;
}

function kindSection({ results, sides }: BenchReport, kind: Kind): string {
  const figures = COLUMNS[kind];
  const rows = results.filter(({ scenario }) => scenario.kind === kind).flatMap((result) => scenarioRows(result, sides, figures));
  return `## ${TITLES[kind]}\n\n${textTable(["scenario", "", ...figures.map((figure) => FIGURES[figure].label)], rows)}`;
}

/** One row for each side, then one for each ratio of ours. */
function scenarioRows(result: ScenarioResult, sides: BenchReport["sides"], figures: readonly FigureName[]): string[][] {
  const label = labelOf(result.scenario);
  if (result.error !== undefined) return [[label, `broken: ${result.error.split("\n")[0]}`]];
  const present = sides.filter(({ name }) => result.rounds.has(name));
  const [ours, ...others] = present;
  const own = present.map(({ name }) => [name, ...figures.map((figure) => formatMedian(summaryOf(result, name, figure), figure))]);
  const ratios = others.map(({ name }) => [
    `to ${name}`,
    ...figures.map((figure) => (COMPARED.has(figure) ? formatRatio(ratioOf(result, ours!.name, name, figure)) : "")),
  ]);
  return [...own, ...ratios].map((row, index) => [index === 0 ? label : "", ...row]);
}

function formatMedian(summary: Summary | undefined, figure: FigureName): string {
  return summary ? summary.median.toFixed(FIGURES[figure].digits) : "";
}

function formatRatio(summary: Summary | undefined): string {
  return summary ? `${summary.median.toFixed(2)} (${summary.low.toFixed(2)}–${summary.high.toFixed(2)})` : "";
}

/** What a reader must know before believing the figures. */
function notesOf({ machine, results }: BenchReport): string {
  const notes: string[] = [];
  if (machine.loadBefore > BUSY_MACHINE_LOAD) {
    notes.push(
      `The machine was busy before the first run (load ${machine.loadBefore.toFixed(2)}): only ratios mean something, and less than usual.`,
    );
  }
  for (const result of results) {
    for (const side of result.rounds.keys()) {
      for (const figure of ["generatorCpuPercent", "targetCpuPercent"] as const) {
        const busy = summaryOf(result, side, figure)?.median ?? 0;
        if (busy < BUSY_GENERATOR_PERCENT) continue;
        notes.push(
          `${labelOf(result.scenario)}, ${side}: ${FIGURES[figure].label} is ${busy.toFixed(0)}: the bench itself may be the limit.`,
        );
      }
    }
  }
  return notes.length === 0 ? "" : `## Notes\n\n${notes.map((note) => `- ${note}`).join("\n")}`;
}
