import { isDeepStrictEqual } from "node:util";
import { type Clock, systemClock } from "@shadowfleet/runtime";
import type { KeyLimits } from "@shadowfleet/store";
import { GateTimer } from "./gate-timer.ts";
import { KeyLimiter } from "./key-limiter.ts";
import { LimitCounts } from "./limit-counts.ts";
import type { LimitHome } from "./limit-home.ts";

/** The limiters of keys that have limits, by key id: the same object whatever else of the key changes. */
export class LimiterTable {
  readonly counts = new LimitCounts();
  /** Whom limiters ask: set by a member of a fleet, which alone has keys with limits. */
  home: LimitHome | undefined;
  readonly #clock: Clock;
  readonly #timer = new GateTimer();
  readonly #limiters = new Map<string, KeyLimiter>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** The limiter of a key with these limits, brought up to date; undefined without limits. */
  follow(keyId: string, limits: KeyLimits | undefined): KeyLimiter | undefined {
    let limiter = this.#limiters.get(keyId);
    if (!limits) {
      limiter?.change(undefined);
      if (limiter?.sessions === 0) this.#limiters.delete(keyId);
      return undefined;
    }
    if (!limiter) {
      limiter = this.#create(keyId);
      this.#limiters.set(keyId, limiter);
    }
    if (!isDeepStrictEqual(limiter.limits, limits)) limiter.change(limits);
    return limiter;
  }

  #create(keyId: string): KeyLimiter {
    const limiter: KeyLimiter = new KeyLimiter({
      keyId,
      clock: this.#clock,
      timer: this.#timer,
      counts: this.counts,
      home: () => this.home,
      onUnused: () => {
        if (this.#limiters.get(keyId) === limiter) this.#limiters.delete(keyId);
      },
    });
    return limiter;
  }
}
