import type { KeyRing } from "@shadowfleet/wire";
import type { AccessKey } from "./access-key.ts";
import type { TrialBudget } from "./trial-budget.ts";
import type { TrialOrder } from "./trial-order.ts";

/**
 * The keys of a SIP004 port for one connection or packet. Those its source has shown before are always tried, which is why a client gets in
 * whatever its neighbours behind the same address do; the others only within the budget.
 */
export class TrialRing implements KeyRing<AccessKey> {
  readonly single = undefined;
  readonly identityKey = undefined;
  cutShort = false;
  readonly #order: TrialOrder;
  readonly #source: string;
  readonly #budget: TrialBudget | undefined;
  #isKnown = false;
  /** Taken from the budget by the search under way. */
  #taken = 0;

  /** `budget` undefined: every key is tried. */
  constructor(order: TrialOrder, source: string, budget: TrialBudget | undefined) {
    this.#order = order;
    this.#source = source;
    this.#budget = budget;
  }

  *candidates(): Generator<AccessKey, void, void> {
    this.#isKnown = false;
    this.#taken = 0;
    for (const key of this.#order.known(this.#source)) {
      this.#isKnown = true;
      yield key;
    }
    this.cutShort = this.#budget?.admits(this.#searcher) === false;
    if (this.cutShort) return;
    try {
      for (const key of this.#order.others(this.#source)) {
        this.#taken += 1;
        yield key;
      }
    } finally {
      if (this.#taken > 0) this.#budget?.take(this.#searcher, this.#taken);
    }
  }

  found(key: AccessKey): void {
    if (this.#taken > 0) this.#budget?.giveBack(this.#searcher, this.#taken);
    this.#taken = 0;
    this.#order.found(key, this.#source);
  }

  byIdentity(): undefined {
    return undefined;
  }

  get #searcher() {
    return { source: this.#source, isKnown: this.#isKnown };
  }
}
