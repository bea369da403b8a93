import { type Budget, budgetsOf } from "./budgets.ts";
import type { LoadBench } from "./generator/load-run.ts";
import type { Scenario } from "./scenario.ts";
import { mergeLooks, worthSecondLook } from "./second-look.ts";
import type { Side } from "./sides/side.ts";
import { type Progress, runSuite, type ScenarioResult } from "./suite.ts";
import type { Timing } from "./timing.ts";
import { type Contestants, judge, type Verdict } from "./verdict.ts";

/** When a quick run must be over, leaving room for writing the report below the promised three minutes. */
const QUICK_SECONDS = 170;

export interface GateOptions {
  readonly bench: LoadBench;
  readonly sides: readonly Side[];
  readonly scenarios: readonly Scenario[];
  /** Whose figures are held against which budgets. */
  readonly demands: readonly { readonly who: Contestants; readonly budgets: readonly Budget[] }[];
  readonly timing: Timing;
  /** Measure again what missed, while there is time. */
  readonly isQuick: boolean;
  readonly progress: Progress;
}

/** Measures, judges and, in a quick run, looks a second time at what missed; then all rounds together are judged. */
export async function measureAndJudge(options: GateOptions): Promise<{ results: ScenarioResult[]; verdicts: Verdict[] }> {
  const { bench, sides, scenarios, demands, timing, isQuick, progress } = options;
  const judgeAll = (results: readonly ScenarioResult[]): Verdict[] => demands.flatMap(({ who, budgets }) => judge(budgets, results, who));
  const began = performance.now();
  const results = await runSuite(bench, sides, scenarios, timing, progress);
  const verdicts = judgeAll(results);
  const secondsLeft = QUICK_SECONDS - (performance.now() - began) / 1000;
  const again = isQuick ? worthSecondLook(verdicts, results, secondsLeft) : [];
  if (again.length === 0) return { results, verdicts };
  const merged = mergeLooks(results, await runSuite(bench, sides, again, timing, progress));
  return { results: merged, verdicts: judgeAll(merged) };
}

/** A side with budgets of its own, and which ones. */
export interface Answerable extends Contestants {
  readonly backend: Parameters<typeof budgetsOf>[0];
}

/**
 * The budgets a run must answer to: all of them, unless it was narrowed down; then those its scenarios speak of. Ratios only where the
 * reference takes part.
 */
export function demandedBudgets(
  backend: Answerable["backend"],
  scenarios: readonly Scenario[],
  isNarrowed: boolean,
  hasReference: boolean,
): Budget[] {
  return budgetsOf(backend).filter((budget) => {
    if (budget.judge === "ratio" && !hasReference) return false;
    return !isNarrowed || scenarios.some((scenario) => budget.appliesTo(scenario));
  });
}
