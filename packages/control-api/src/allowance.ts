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
    const hasLeft = this.hasLeft(nowMs);
    if (hasLeft) this.#left--;
    return hasLeft;
  }

  hasLeft(nowMs: number): boolean {
    const passed = nowMs - (this.#countedAtMs ?? nowMs);
    this.#countedAtMs = nowMs;
    this.#left = Math.min(this.#burst, this.#left + (passed / 1000) * this.#perSecond);
    return this.#left >= 1;
  }
}

/** Sources that are remembered; an allowance is whole again in less time than so many take to come by. */
const MAX_SOURCES = 4_096;

/** An allowance for each source address. By address and not by connection, or connecting anew would be a new beginning. */
export class SourceAllowances {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #bySource = new Map<string, Allowance>();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** False when the source had none left. */
  take(source: string, nowMs: number): boolean {
    const allowance = this.#bySource.get(source) ?? new Allowance(this.#burst, this.#perSecond);
    this.#bySource.delete(source);
    this.#bySource.set(source, allowance);
    const [oldest] = this.#bySource.keys();
    if (this.#bySource.size > MAX_SOURCES && oldest !== undefined) this.#bySource.delete(oldest);
    return allowance.take(nowMs);
  }

  hasLeft(source: string, nowMs: number): boolean {
    return this.#bySource.get(source)?.hasLeft(nowMs) ?? true;
  }
}
