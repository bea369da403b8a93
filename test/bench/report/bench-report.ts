import { FIGURES, type FigureName } from "../measure/figures.ts";
import { type Summary, summarize, summarizeRatios } from "../measure/statistics.ts";
import type { Scenario } from "../scenario.ts";
import type { ScenarioResult } from "../suite.ts";
import type { Timing } from "../timing.ts";
import { type Verdict, valuesOf } from "../verdict.ts";
import type { Machine } from "./machine.ts";

/** Everything a run found out. */
export interface BenchReport {
  readonly startedAt: Date;
  readonly tookSeconds: number;
  readonly machine: Machine;
  /** In the order they took turns; ours first. */
  readonly sides: readonly { readonly name: string; readonly version: string }[];
  readonly timing: Timing;
  readonly results: readonly ScenarioResult[];
  readonly verdicts: readonly Verdict[];
}

/** A figure of one side; undefined where it was not measured. */
export function summaryOf(result: ScenarioResult, side: string, figure: FigureName): Summary | undefined {
  const values = valuesOf(result.rounds, side, figure);
  return values.length === 0 ? undefined : summarize(values);
}

/** Ratio of a figure, first side to second; undefined where one of them has none, or where zeros make a ratio meaningless. */
export function ratioOf(result: ScenarioResult, side: string, base: string, figure: FigureName): Summary | undefined {
  const [values, bases] = [valuesOf(result.rounds, side, figure), valuesOf(result.rounds, base, figure)];
  if (values.length === 0 || values.length !== bases.length || bases.some((value) => !(value > 0))) return undefined;
  return summarizeRatios(values, bases);
}

/** The figures of a report with every round, for machines. */
export function reportJson({ results, verdicts, ...rest }: BenchReport): string {
  const plain = {
    ...rest,
    results: results.map(({ scenario, rounds, error }) => ({ scenario, error, rounds: Object.fromEntries(rounds) })),
    verdicts: verdicts.map(({ budget: { appliesTo: _, ...budget }, ...verdict }) => ({ ...verdict, budget })),
    figures: FIGURES,
  };
  return `${JSON.stringify(plain, null, 2)}\n`;
}

/** The figures worth a column for each kind of scenario. */
export const COLUMNS: Readonly<Record<Scenario["kind"], readonly FigureName[]>> = {
  bulk: ["throughput", "localCpuPerGib", "serverCpuPerGib", "localRssMib", "serverRssMib", "generatorCpuPercent", "targetCpuPercent"],
  connections: [
    "connectionRate",
    "localConnectionsPerCpuSecond",
    "serverConnectionsPerCpuSecond",
    "failures",
    "localRssMib",
    "serverRssMib",
    "generatorCpuPercent",
    "targetCpuPercent",
  ],
  latency: [
    "maximumRate",
    "offeredRate",
    "p50Us",
    "p99Us",
    "p999Us",
    "localCpuPerExchangeUs",
    "serverCpuPerExchangeUs",
    "failures",
    "generatorCpuPercent",
    "targetCpuPercent",
  ],
  idle: ["localKibPerConnection", "serverKibPerConnection", "localBaseMib", "serverBaseMib", "localRssMib", "serverRssMib", "failures"],
  udp: ["packetRate", "localPacketsPerCpuSecond", "serverPacketsPerCpuSecond", "lostPercent", "generatorCpuPercent", "targetCpuPercent"],
};

/** The figures a ratio makes sense for: those of the proxies, not of the bench. */
export const COMPARED: ReadonlySet<FigureName> = new Set<FigureName>([
  "throughput",
  "localCpuPerGib",
  "serverCpuPerGib",
  "connectionRate",
  "localConnectionsPerCpuSecond",
  "serverConnectionsPerCpuSecond",
  "maximumRate",
  "p50Us",
  "p99Us",
  "p999Us",
  "localCpuPerExchangeUs",
  "serverCpuPerExchangeUs",
  "packetRate",
  "localPacketsPerCpuSecond",
  "serverPacketsPerCpuSecond",
  "localKibPerConnection",
  "serverKibPerConnection",
  "localRssMib",
  "serverRssMib",
]);
