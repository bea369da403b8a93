import type { Clock } from "@shadowfleet/runtime";
import type { RelayConfig } from "./relay-config.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Key trials a second, sustained; `BURST_SECONDS` of them may be saved up. */
export interface TrialLimits {
  readonly perSource: number;
  /** For all sources of one standing. */
  readonly total: number;
}

export function trialLimitsOf({ keyTrialsPerSource, keyTrials }: RelayConfig): TrialLimits {
  return { perSource: keyTrialsPerSource, total: keyTrials };
}

/** A search that may run. */
export interface TrialSearch {
  /** It has tried so many keys. */
  pay(trials: number): void;
  /** It has found its key: nothing is to be paid, before or after. */
  giveBack(): void;
}

/** What a source has been seen doing: showing a key of the port, searching in vain, or nothing yet. Each has a budget of its own in all. */
type Standing = "known" | "failed" | "new";

const BURST_SECONDS = 2;
/** Sources that have searched in vain, those quiet longest forgotten first; about 1 MB. */
const MAX_SOURCES = 8192;

/**
 * How many keys may be tried for those who turn out to have none. Trials are counted, not timed, so that what is refused does not depend on the
 * machine. A search that has begun ends, however many keys the port has; its source pays for it by waiting. What finds a key is given back:
 * honest clients cost nothing, however many come from one address.
 */
export class TrialBudget {
  readonly #clock: Clock;
  readonly #limits: () => TrialLimits;
  readonly #sources = new Map<string, TokenBucket>();
  readonly #totals: Readonly<Record<Standing, TokenBucket>>;

  /** `limits` is asked at every search, so that a reload applies at once. */
  constructor(clock: Clock, limits: () => TrialLimits) {
    this.#clock = clock;
    this.#limits = limits;
    const now = clock.monotonic();
    this.#totals = { known: new TokenBucket(now), failed: new TokenBucket(now), new: new TokenBucket(now) };
  }

  /** Sources remembered now. */
  get sources(): number {
    return this.#sources.size;
  }

  /** Undefined: no search now. `isKnown`: the source has shown a key of the port before. */
  begin(source: string, isKnown: boolean): TrialSearch | undefined {
    const { perSource, total } = this.#limits();
    const nowMs = this.#clock.monotonic();
    const own = this.#sources.get(source);
    const all = this.#totals[isKnown ? "known" : own ? "failed" : "new"];
    if (all.missing(total, nowMs) >= total * BURST_SECONDS) return undefined;
    if (own && own.missing(perSource, nowMs) >= perSource * BURST_SECONDS) return undefined;
    let paid = 0;
    let isFree = false;
    return {
      pay: (trials) => {
        if (isFree) return;
        paid += trials;
        all.take(trials);
        this.#bucketOf(source).take(trials);
      },
      giveBack: () => {
        isFree = true;
        all.giveBack(paid);
        this.#giveBack(source, paid);
        paid = 0;
      },
    };
  }

  /** Moves the source to the young end of the map. */
  #bucketOf(source: string): TokenBucket {
    const own = this.#sources.get(source) ?? new TokenBucket(this.#clock.monotonic());
    this.#sources.delete(source);
    this.#sources.set(source, own);
    if (this.#sources.size > MAX_SOURCES) this.#sources.delete(this.#sources.keys().next().value!);
    return own;
  }

  #giveBack(source: string, trials: number): void {
    const own = this.#sources.get(source);
    if (own === undefined) return;
    own.giveBack(trials);
    // It owes nothing, and has a key: whatever it did before is forgotten.
    if (own.missing(this.#limits().perSource, this.#clock.monotonic()) === 0) this.#sources.delete(source);
  }
}
