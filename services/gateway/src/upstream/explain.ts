import type { FailCounts } from "@shadowfleet/store";
import { firstPassProbability } from "./circuit.ts";
import type { Upstream } from "./upstream.ts";

/** Why the circuit breaker would or would not choose an upstream for the next request. */
export interface PickExplanation {
  readonly upstreamId: string;
  readonly failCount: number;
  /** That it is tried when its turn comes in the first pass. */
  readonly passProbability: number;
  /** That it is the very first to be tried. Those of all upstreams add up to 1. */
  readonly firstProbability: number;
}

/** Explains the breaker over that order of upstreams (for the classic policy: the configured one). Changes nothing. */
export function explainPick(order: readonly Upstream[], failCounts: FailCounts): PickExplanation[] {
  let noneSoFar = 1;
  const explanations = order.map((upstream) => {
    const failCount = failCounts.get(upstream.id);
    const passProbability = firstPassProbability(failCount);
    const firstProbability = noneSoFar * passProbability;
    noneSoFar *= 1 - passProbability;
    return { upstreamId: upstream.id, failCount, passProbability, firstProbability };
  });
  // When the first pass skips all, the last resort begins with the first of the order.
  return explanations.map((explanation, index) =>
    index === 0 ? { ...explanation, firstProbability: explanation.firstProbability + noneSoFar } : explanation,
  );
}
