import { setTimeout as delay } from "node:timers/promises";
import type { LoadBench } from "./generator/load-run.ts";
import type { Rounds } from "./measure/figures.ts";
import { measureIdle } from "./measure/idle-scenario.ts";
import { measureWindowed, type Stacks } from "./measure/windowed-scenario.ts";
import { labelOf, type Scenario } from "./scenario.ts";
import { disposeAll, type Side, type Stack } from "./sides/side.ts";
import { PAUSE_MS, type Timing } from "./timing.ts";

/** What came of one scenario: rounds of every side that has its method, or why there are none. */
export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly rounds: Rounds;
  readonly error: string | undefined;
  readonly tookSeconds: number;
}

/** Told of each scenario when it is done. */
export type Progress = (line: string) => void;

/**
 * Measures the scenarios method by method: for each, all sides that have it are started once and take turns. A scenario that breaks is
 * reported as such; the others go on.
 */
export async function runSuite(
  bench: LoadBench,
  sides: readonly Side[],
  scenarios: readonly Scenario[],
  timing: Timing,
  progress: Progress,
): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  for (const [method, group] of groupByMethod(scenarios)) {
    const able = sides.filter((side) => side.supports(method));
    const idle = group.filter((scenario) => scenario.kind === "idle");
    for (const scenario of idle) results.push(await attempt(scenario, progress, () => measureIdle(bench, able, scenario, timing)));
    const windowed = group.filter((scenario) => scenario.kind !== "idle");
    if (windowed.length === 0) continue;
    const stacks = await startAll(able, method);
    try {
      for (const scenario of windowed)
        results.push(await attempt(scenario, progress, () => measureWindowed(bench, stacks, scenario, timing)));
    } finally {
      await disposeAll([...stacks.values()]);
    }
    await delay(PAUSE_MS);
  }
  return results;
}

function groupByMethod(scenarios: readonly Scenario[]): Map<string, Scenario[]> {
  return Map.groupBy(scenarios, ({ method }) => method);
}

async function attempt(scenario: Scenario, progress: Progress, measure: () => Promise<Rounds>): Promise<ScenarioResult> {
  const began = performance.now();
  const tookSeconds = (): number => (performance.now() - began) / 1000;
  try {
    const rounds = await measure();
    progress(labelOf(scenario));
    return { scenario, rounds, error: undefined, tookSeconds: tookSeconds() };
  } catch (error) {
    const reason = (error as Error).message;
    progress(`${labelOf(scenario)}: ${reason}`);
    return { scenario, rounds: new Map(), error: reason, tookSeconds: tookSeconds() };
  }
}

async function startAll(sides: readonly Side[], method: string): Promise<Stacks> {
  const stacks = new Map<string, Stack>();
  try {
    for (const side of sides) stacks.set(side.name, await side.start(method));
    return stacks;
  } catch (error) {
    await disposeAll([...stacks.values()]);
    throw error;
  }
}
