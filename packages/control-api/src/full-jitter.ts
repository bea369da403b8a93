export interface FullJitterOptions {
  /** Bound of the first pause. */
  readonly minMs: number;
  readonly maxMs: number;
  /** From 0 up to but not including 1. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Pauses between tries: each random between 0 and a bound that doubles with every failure. Random from 0 on, so that a fleet whose management
 * comes back does not come as one.
 */
export class FullJitter {
  readonly #options: FullJitterOptions;
  #failures = 0;

  constructor(options: FullJitterOptions) {
    this.#options = options;
  }

  /** Milliseconds to wait after one more failure. */
  next(): number {
    const { minMs, maxMs, random = Math.random } = this.#options;
    const boundMs = Math.min(maxMs, minMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return random() * boundMs;
  }

  /** It worked: the next failure is the first. */
  reset(): void {
    this.#failures = 0;
  }
}
