import type { PickExplanation } from "@shadowfleet/control-api";

/** The ancestor's baseFailCnt: a server that failed once is still tried in one of 21 requests. */
const BASE_FAIL_COUNT = 20;

export interface PickCandidate {
  readonly upstreamId: string;
  readonly failCount: number;
}

/**
 * What the classic policy would do now, upstreams given in the order of tries. First pass: each is tried with probability 1 at failCnt 0,
 * else 1/(failCnt + 20). When the first pass skips all, the last resort begins with the first. So the probabilities of being the first
 * one tried add up to 1.
 */
export function explainPick(order: readonly PickCandidate[]): PickExplanation[] {
  const passes = order.map(({ failCount }) => (failCount > 0 ? 1 / (failCount + BASE_FAIL_COUNT) : 1));
  const noneTried = passes.reduce((none, pass) => none * (1 - pass), 1);
  let noneBefore = 1;
  return order.map(({ upstreamId, failCount }, index) => {
    const pass = passes[index] ?? 0;
    const firstTryProbability = noneBefore * pass + (index === 0 ? noneTried : 0);
    noneBefore *= 1 - pass;
    return {
      upstreamId,
      failCount,
      firstPassProbability: pass,
      firstTryProbability,
      reason: reasonOf(failCount, index, firstTryProbability),
    };
  });
}

function reasonOf(failCount: number, index: number, firstTry: number): string {
  const turn = index === 0 ? "first in the order" : `number ${index + 1} in the order`;
  if (failCount > 0) {
    const failures = failCount === 1 ? "1 failure" : `${failCount} failures`;
    return `${turn}; ${failures} since the last success, so it is tried in 1 of ${failCount + BASE_FAIL_COUNT} requests, else only after all others`;
  }
  if (firstTry === 1) return `${turn} and without failures: it serves every request`;
  return firstTry === 0
    ? `${turn}; tried only when one before it fails`
    : `${turn} and without failures: tried first when those before it are skipped`;
}
