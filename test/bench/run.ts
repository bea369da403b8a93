/** `node test/bench/run.ts [flags]`: see README.md and `--help`. Exit 1: something missed or broke; 2: it cannot run here, or a wrong flag. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { chooseAeadBackend } from "@shadowfleet/aead-native";
import { type BenchRequest, parseRequest, USAGE } from "./arguments.ts";
import { estimateSeconds } from "./duration.ts";
import { type Answerable, demandedBudgets, measureAndJudge } from "./gate.ts";
import { buildLoadPrograms } from "./generator/load-programs.ts";
import { startLoadTarget } from "./generator/load-target.ts";
import { planOf } from "./plan.ts";
import { type BenchReport, reportJson } from "./report/bench-report.ts";
import { describeMachine } from "./report/machine.ts";
import { reportMarkdown } from "./report/markdown.ts";
import { reportPlot } from "./report/plot.ts";
import { ALL_SIDES, OURS, PURE, REFERENCE } from "./sides/all-sides.ts";
import type { Side } from "./sides/side.ts";
import { describeVerdict } from "./verdict.ts";

const WHO = { ours: OURS, reference: REFERENCE };
const ANSWERABLE: readonly Answerable[] = [
  { ...WHO, backend: chooseAeadBackend().backend.name === "native" ? "native" : "pure" },
  { ours: PURE, reference: REFERENCE, backend: "pure" },
];
const EXIT_MISSED = 1;
const EXIT_CANNOT_RUN = 2;
/** Descriptors that a proxy needs beside held connections, which take two each. */
const SPARE_DESCRIPTORS = 200;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Those asked for that are installed. Throws when the reference is wanted and missing: without it there is nothing to compare. */
function presentSides({ sides }: BenchRequest): Side[] {
  const wanted = ALL_SIDES.filter(({ name }) => sides.includes(name));
  const reference = wanted.find(({ name }) => name === REFERENCE);
  if (reference?.missing !== undefined)
    throw new Error(`${reference.missing} (Debian package ${REFERENCE}); --sides ${OURS} measures without`);
  for (const { name, missing } of wanted) if (missing !== undefined) say(`${name} left out: ${missing}`);
  return wanted.filter(({ missing }) => missing === undefined);
}

async function measure(request: BenchRequest): Promise<BenchReport> {
  const startedAt = new Date();
  const began = performance.now();
  const machine = describeMachine();
  const sides = presentSides(request);
  const { quick, kinds, methods, timing } = request;
  const maxHeld = Math.floor((machine.maxDescriptors - SPARE_DESCRIPTORS) / 2);
  const scenarios = planOf({ quick, kinds, methods, maxHeld });
  if (scenarios.length === 0) throw new Error("nothing to measure: no scenario has these kinds and methods");
  const hasReference = sides.some(({ name }) => name === REFERENCE);
  const demands = ANSWERABLE.filter(({ ours }) => sides.some(({ name }) => name === ours)).map((who) => ({
    who,
    budgets: demandedBudgets(who.backend, scenarios, request.isNarrowed, hasReference),
  }));
  const programs = await buildLoadPrograms();
  await using target = await startLoadTarget(programs);
  const versions = await Promise.all(sides.map(async ({ name, version }) => ({ name, version: await version() })));
  const minutes = estimateSeconds(scenarios, sides.length, timing) / 60;
  say(`${scenarios.length} scenarios, about ${minutes.toFixed(1)} minutes: ${versions.map(({ version }) => version).join(", ")}`);
  let done = 0;
  const progress = (line: string): void => {
    const seconds = Math.round((performance.now() - began) / 1000);
    const count = ++done <= scenarios.length ? `${done}/${scenarios.length}` : "again";
    say(`${String(seconds).padStart(5)} s  ${count.padStart(5)}  ${line}`);
  };
  const { results, verdicts } = await measureAndJudge({
    bench: { programs, target },
    sides,
    scenarios,
    demands,
    timing,
    isQuick: quick,
    progress,
  });
  return { startedAt, tookSeconds: (performance.now() - began) / 1000, machine, sides: versions, timing, results, verdicts };
}

/** Writes the three files; the path of the Markdown one. */
function writeReport(report: BenchReport, folder: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "results.json"), reportJson(report));
  writeFileSync(join(folder, "results.svg"), reportPlot(report, WHO));
  const summary = join(folder, "results.md");
  writeFileSync(summary, reportMarkdown(report));
  return summary;
}

/** Whether nothing fell below what a gate insists on and every scenario came to its end. Budgets that are missed are named. */
function conclude({ results, verdicts }: BenchReport): boolean {
  const missed = verdicts.filter(({ isMet }) => !isMet);
  const lost = verdicts.filter(({ isHeld }) => !isHeld);
  const broken = results.filter(({ error }) => error !== undefined);
  for (const verdict of missed) say(`missed: ${describeVerdict(verdict)}`);
  for (const { error } of broken) say(`broken: ${error}`);
  for (const verdict of lost) say(`below the floor of ${verdict.budget.floor}: ${describeVerdict(verdict)}`);
  say(`${verdicts.length - missed.length} of ${verdicts.length} budget figures met, ${verdicts.length - lost.length} above their floor`);
  return lost.length === 0 && broken.length === 0;
}

async function main(): Promise<number> {
  const parsed = parseRequest(process.argv.slice(2));
  if (!parsed.ok) {
    say(`${parsed.reason}\n\n${USAGE}`);
    return EXIT_CANNOT_RUN;
  }
  if (parsed.request === "help") {
    process.stdout.write(USAGE);
    return 0;
  }
  let report: BenchReport;
  try {
    report = await measure(parsed.request);
  } catch (error) {
    say(`bench: ${(error as Error).message}`);
    return EXIT_CANNOT_RUN;
  }
  process.stdout.write(`${reportMarkdown(report)}\n`);
  const summary = writeReport(report, parsed.request.output);
  say(`${relative(process.cwd(), summary)}, with results.json and results.svg beside it`);
  const isGood = conclude(report);
  return isGood || !parsed.request.quick ? 0 : EXIT_MISSED;
}

process.exitCode = await main();
