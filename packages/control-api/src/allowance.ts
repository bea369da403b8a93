/** So many in a row, and so many more each second. */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #countedAtMs: number | undefined;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  /** False when there was none left. */
  take(nowMs: number): boolean {
    const passed = nowMs - (this.#countedAtMs ?? nowMs);
    this.#countedAtMs = nowMs;
    this.#left = Math.min(this.#burst, this.#left + (passed / 1000) * this.#perSecond);
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
