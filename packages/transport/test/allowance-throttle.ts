import type { Throttle, Waiter } from "../src/throttle.ts";

/** A throttle whose allowance a test gives out. */
export class AllowanceThrottle implements Throttle {
  readonly line = new Set<Waiter>();
  total = 0;
  #left: number;
  #isServing = false;

  constructor(left = 0) {
    this.#left = left;
  }

  allowance(wanted: number): number {
    if (this.line.size > 0 && !this.#isServing) return 0;
    return Math.max(0, Math.min(wanted, this.#left));
  }

  moved(bytes: number): void {
    this.total += bytes;
    this.#left -= bytes;
  }

  wait(waiter: Waiter): void {
    this.line.add(waiter);
  }

  leave(waiter: Waiter): void {
    this.line.delete(waiter);
  }

  /** So many bytes more may move; serves the line. */
  give(bytes: number): void {
    this.#left += bytes;
    this.#isServing = true;
    for (const waiter of [...this.line]) {
      if (this.#left <= 0) break;
      this.line.delete(waiter);
      waiter.turn();
    }
    this.#isServing = false;
  }
}
