/**
 * So much a second, with some saved up. It may be overdrawn: what has begun is finished, and the next waits until its cost is paid. Kept as
 * what is missing to a full bucket, so that rate and size may change with a reload.
 */
export class TokenBucket {
  #missing = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** What is missing to a full bucket that fills by `perSecond`. */
  missing(perSecond: number, nowMs: number): number {
    this.#missing = Math.max(0, this.#missing - ((nowMs - this.#atMs) * perSecond) / 1000);
    this.#atMs = nowMs;
    return this.#missing;
  }

  take(tokens: number): void {
    this.#missing += tokens;
  }

  giveBack(tokens: number): void {
    this.#missing = Math.max(0, this.#missing - tokens);
  }
}
