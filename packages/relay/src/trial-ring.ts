import type { KeyRing } from "@shadowfleet/wire";
import type { AccessKey } from "./access-key.ts";
import type { TrialBudget, TrialSearch } from "./trial-budget.ts";
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
  #search: TrialSearch | undefined;

  /** `budget` undefined: every key is tried. */
  constructor(order: TrialOrder, source: string, budget: TrialBudget | undefined) {
    this.#order = order;
    this.#source = source;
    this.#budget = budget;
  }

  *candidates(): Generator<AccessKey, void, void> {
    let isKnown = false;
    for (const key of this.#order.known(this.#source)) {
      isKnown = true;
      yield key;
    }
    this.#search = this.#budget?.begin(this.#source, isKnown);
    this.cutShort = this.#budget !== undefined && this.#search === undefined;
    if (this.cutShort) return;
    let tried = 0;
    try {
      for (const key of this.#order.others(this.#source)) {
        tried += 1;
        yield key;
      }
    } finally {
      this.#search?.pay(tried);
    }
  }

  found(key: AccessKey): void {
    this.#search?.giveBack();
    this.#order.found(key, this.#source);
  }

  byIdentity(): undefined {
    return undefined;
  }
}
