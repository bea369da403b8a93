import type { Clock } from "@shadowfleet/runtime";
import type { RelayConfig } from "./relay-config.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Key trials a second, sustained; `BURST_SECONDS` of them may be saved up. */
export interface TrialLimits {
  readonly perSource: number;
  /** For all sources that have shown no key on the port; as much again for all that have. */
  readonly total: number;
}

export function trialLimitsOf({ keyTrialsPerSource, keyTrials }: RelayConfig): TrialLimits {
  return { perSource: keyTrialsPerSource, total: keyTrials };
}

/** Who is searching: a source, and whether it has shown a key of the port before. */
export interface Searcher {
  readonly source: string;
  readonly isKnown: boolean;
}

const BURST_SECONDS = 2;
/** Sources whose trials are remembered, those quiet longest forgotten first; about 1.5 MB. Only ones whose searches failed are among them. */
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
  readonly #strangers: TokenBucket;
  readonly #known: TokenBucket;

  /** `limits` is asked at every search, so that a reload applies at once. */
  constructor(clock: Clock, limits: () => TrialLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#strangers = new TokenBucket(clock.monotonic());
    this.#known = new TokenBucket(clock.monotonic());
  }

  /** Sources remembered now. */
  get sources(): number {
    return this.#sources.size;
  }

  /** Whether a search may begin. */
  admits({ source, isKnown }: Searcher): boolean {
    const { perSource, total } = this.#limits();
    const nowMs = this.#clock.monotonic();
    if (this.#all(isKnown).missing(total, nowMs) >= total * BURST_SECONDS) return false;
    const own = this.#sources.get(source);
    return own === undefined || own.missing(perSource, nowMs) < perSource * BURST_SECONDS;
  }

  take({ source, isKnown }: Searcher, trials: number): void {
    this.#all(isKnown).take(trials);
    let own = this.#sources.get(source);
    if (own === undefined) own = new TokenBucket(this.#clock.monotonic());
    // Deleting first moves the source to the young end of the map.
    else this.#sources.delete(source);
    own.take(trials);
    this.#sources.set(source, own);
    if (this.#sources.size > MAX_SOURCES) this.#sources.delete(this.#sources.keys().next().value!);
  }

  giveBack({ source, isKnown }: Searcher, trials: number): void {
    this.#all(isKnown).giveBack(trials);
    const own = this.#sources.get(source);
    if (own === undefined) return;
    own.giveBack(trials);
    if (own.missing(this.#limits().perSource, this.#clock.monotonic()) === 0) this.#sources.delete(source);
  }

  #all(isKnown: boolean): TokenBucket {
    return isKnown ? this.#known : this.#strangers;
  }
}
