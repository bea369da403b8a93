import { setTimeout as sleep } from "node:timers/promises";
import { readUsage } from "../bench/measure/process-usage.ts";
import { type Experiment, type Finding, runExperiment } from "./experiment.ts";
import type { FloodedService } from "./flooded-service.ts";

/** How long and how hard. */
export interface Scale {
  readonly seconds: number;
  readonly quietSeconds: number;
}

/** One flood against one service, with what its figures are about. */
export interface FloodReport extends Finding {
  readonly flood: Finding["flood"];
  readonly name: string;
  /** What a cap counts (strangers, sessions, unfinished requests), at the flood's height and when it was over. */
  readonly held: number;
  readonly left: number;
  readonly rssAfterBytes: number;
  /** What became of the flood, by error code. */
  readonly outcomes: Readonly<Record<string, number>>;
}

export interface ScenarioOptions extends Experiment {
  readonly name: string;
  /** Gauge of what is held; 0 where the service has none. */
  readonly held: () => Promise<number>;
  /** Counter with a label for the code, and the codes of interest. */
  readonly outcomes: { readonly series: string; readonly label: string; readonly codes: readonly string[] };
  /** What the flood leaves behind has to be gone after so long. */
  readonly goneWithinMs: number;
}

const LOOK_MS = 250;

export async function runScenario(options: ScenarioOptions): Promise<FloodReport> {
  const { name, service, goneWithinMs } = options;
  const before = await outcomesOf(service, options);
  let held = 0;
  const finding = await runExperiment({
    ...options,
    atHeight: async () => {
      held = await options.held();
    },
  });
  const left = await settled(options.held, goneWithinMs);
  const rssAfterBytes = readUsage(service.pid).rssBytes;
  const after = await outcomesOf(service, options);
  const outcomes = Object.fromEntries(Object.entries(after).map(([code, count]) => [code, count - before[code]!]));
  return { ...finding, name, held, left, rssAfterBytes, outcomes };
}

async function settled(held: () => Promise<number>, withinMs: number): Promise<number> {
  const untilMs = performance.now() + withinMs;
  let left = await held();
  while (left > 0 && performance.now() < untilMs) {
    await sleep(LOOK_MS);
    left = await held();
  }
  return left;
}

async function outcomesOf(service: FloodedService, { outcomes }: ScenarioOptions): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const code of outcomes.codes) counts[code] = await service.total(outcomes.series, `${outcomes.label}="${code}"`);
  return counts;
}
