import { mergeRounds } from "./measure/interleave.ts";
import type { Scenario } from "./scenario.ts";
import type { ScenarioResult } from "./suite.ts";
import type { Verdict } from "./verdict.ts";

/** Starting the sides once more. */
const START_UP_SECONDS = 6;

/**
 * The scenarios that deserve another measurement before a miss counts, as many as fit: neighbours on a shared machine come and go within
 * seconds. Broken ones do not, because what breaks once is a fault and no noise.
 */
export function worthSecondLook(verdicts: readonly Verdict[], results: readonly ScenarioResult[], secondsLeft: number): Scenario[] {
  const chosen: Scenario[] = [];
  let left = secondsLeft - START_UP_SECONDS;
  for (const { scenario, error, tookSeconds } of results) {
    const isMissed = verdicts.some((verdict) => verdict.scenario === scenario && !verdict.isHeld);
    if (!isMissed || error !== undefined || tookSeconds > left) continue;
    chosen.push(scenario);
    left -= tookSeconds;
  }
  return chosen;
}

/** All rounds of both looks count. A second look that broke leaves its error. */
export function mergeLooks(first: readonly ScenarioResult[], second: readonly ScenarioResult[]): ScenarioResult[] {
  return first.map((result) => {
    const again = second.find(({ scenario }) => scenario === result.scenario);
    if (!again) return result;
    const tookSeconds = result.tookSeconds + again.tookSeconds;
    return { ...result, rounds: mergeRounds(result.rounds, again.rounds), error: result.error ?? again.error, tookSeconds };
  });
}
