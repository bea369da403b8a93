import type { Budget } from "./budgets.ts";
import { FIGURES, type FigureName, type Rounds } from "./measure/figures.ts";
import { type Summary, summarize, summarizeRatios } from "./measure/statistics.ts";
import { labelOf, type Scenario } from "./scenario.ts";
import type { ScenarioResult } from "./suite.ts";

/** Whether one figure of one scenario keeps its budget. */
export interface Verdict {
  readonly budget: Budget;
  /** Undefined: the budget's scenario was not measured at all. */
  readonly scenario: Scenario | undefined;
  readonly figure: FigureName;
  /** Undefined: there is no figure; `reason` says why. */
  readonly summary: Summary | undefined;
  readonly reason: string | undefined;
  /** The budget's limit is kept. */
  readonly isMet: boolean;
  /** The budget's floor is kept: what a gate insists on. */
  readonly isHeld: boolean;
  /** Whose figure it is. */
  readonly side: string;
}

export interface Contestants {
  readonly ours: string;
  readonly reference: string;
}

/** Holds every result against every budget that applies to it. A budget nothing was measured for is missed: a gate that saw nothing stays shut. */
export function judge(budgets: readonly Budget[], results: readonly ScenarioResult[], who: Contestants): Verdict[] {
  return budgets.flatMap((budget) => {
    const applicable = results.filter(({ scenario }) => budget.appliesTo(scenario));
    if (applicable.length === 0) return budget.figures.map((figure) => missed(budget, undefined, figure, "not measured", who));
    return applicable.flatMap((result) => budget.figures.map((figure) => judgeFigure(budget, result, figure, who)));
  });
}

function judgeFigure(budget: Budget, { scenario, rounds, error }: ScenarioResult, figure: FigureName, who: Contestants): Verdict {
  if (error !== undefined) return missed(budget, scenario, figure, error, who);
  const ours = valuesOf(rounds, who.ours, figure);
  const theirs = valuesOf(rounds, who.reference, figure);
  if (ours.length === 0) return missed(budget, scenario, figure, `no figure of ${who.ours}`, who);
  if (budget.judge === "ratio" && theirs.length === 0) return missed(budget, scenario, figure, `no figure of ${who.reference}`, who);
  const summary = budget.judge === "ratio" ? summarizeRatios(ours, theirs) : summarize(ours);
  const value = judgedValue(budget, summary);
  const keeps = (bound: number): boolean => (budget.bound === "at most" ? value <= bound : value >= bound);
  return { budget, scenario, figure, summary, reason: undefined, isMet: keeps(budget.limit), isHeld: keeps(budget.floor), side: who.ours };
}

/** The number that is held against the limit. */
export function judgedValue({ judge, bound }: Budget, { median, low, high }: Summary): number {
  if (judge !== "worst") return median;
  return bound === "at most" ? high : low;
}

function missed(budget: Budget, scenario: Scenario | undefined, figure: FigureName, reason: string, who: Contestants): Verdict {
  return { budget, scenario, figure, summary: undefined, reason, isMet: false, isHeld: false, side: who.ours };
}

/** A figure over the rounds of one side; empty when the side or the figure is not there. */
export function valuesOf(rounds: Rounds, side: string, figure: FigureName): number[] {
  return (rounds.get(side) ?? []).flatMap((figures) => figures[figure] ?? []);
}

/** One line for people. */
export function describeVerdict(verdict: Verdict): string {
  const { budget, scenario, figure, summary, reason, side } = verdict;
  const where = `${side}: ${scenario ? labelOf(scenario) : budget.name}, ${FIGURES[figure].label}`;
  if (!summary) return `${where}: ${reason}`;
  const unit = budget.judge === "ratio" ? " of shadowsocks-libev" : "";
  return `${where}: ${judgedValue(budget, summary).toFixed(2)}${unit}, ${budget.bound} ${budget.limit}`;
}
