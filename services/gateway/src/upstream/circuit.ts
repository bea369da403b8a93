import type { FailCounts } from "@shadowfleet/store";
import type { Random } from "./picker.ts";
import type { Upstream } from "./upstream.ts";

/** The ancestor's baseFailCnt: a server that failed once is still tried in one of 21 requests. */
const BASE_FAIL_COUNT = 20;

/** How likely an upstream with that failCnt is tried when its turn comes in the first pass: 1, 1/21, … 1/50. */
export function firstPassProbability(failCount: number): number {
  return failCount > 0 ? 1 / (failCount + BASE_FAIL_COUNT) : 1;
}

function passes(failCount: number, random: Random): boolean {
  // As the ancestor draws: `rand.Intn(failCnt + 20) == 0`.
  return failCount <= 0 || Math.floor(random() * (failCount + BASE_FAIL_COUNT)) === 0;
}

/**
 * The ancestor's circuit breaker over an order of upstreams: those that failed are tried in the first pass with a small probability, so that
 * they can come back, and skipped otherwise; the skipped ones follow in order as the last resort. A single upstream is therefore always tried.
 */
export class FirstPassThenSkipped implements IterableIterator<Upstream, undefined> {
  readonly #order: readonly Upstream[];
  readonly #failCounts: FailCounts;
  readonly #random: Random;
  #at = 0;
  readonly #skipped: Upstream[] = [];

  constructor(order: readonly Upstream[], failCounts: FailCounts, random: Random) {
    this.#order = order;
    this.#failCounts = failCounts;
    this.#random = random;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Upstream, undefined> {
    while (this.#at < this.#order.length) {
      const value = this.#order[this.#at++]!;
      if (passes(this.#failCounts.get(value.id), this.#random)) return { value, done: false };
      this.#skipped.push(value);
    }
    const value = this.#skipped.shift();
    return value === undefined ? { value, done: true } : { value, done: false };
  }
}

/** What a failed or successful try does to failCnt: one more, at most 30; or back to 0. */
export function settle(failCounts: FailCounts, upstream: Upstream, succeeded: boolean): void {
  if (succeeded) failCounts.succeed(upstream.id);
  else failCounts.fail(upstream.id);
}
