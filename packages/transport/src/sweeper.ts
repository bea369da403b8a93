import { type Clock, systemClock } from "@shadowfleet/runtime";
import { NOWHERE, Places } from "./places.ts";

/** Asked once an interval. */
export interface Sweepable {
  /** The sweeper's: NOWHERE before it is added. */
  sweepPlace: number;
  sweep(nowMs: number): void;
}

const INTERVAL_MS = 1_000;

/** One coarse timer for everything that may idle too long, instead of a timer each. It runs only while there is something to sweep. */
export class Sweeper {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #members = new Places<Sweepable>();
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock = systemClock, intervalMs = INTERVAL_MS) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  get size(): number {
    return this.#members.size;
  }

  get nowMs(): number {
    return this.#clock.monotonic();
  }

  add(member: Sweepable): void {
    if (member.sweepPlace !== NOWHERE) return;
    member.sweepPlace = this.#members.add(member);
    // Unreferenced: it never keeps a process alive that has no connection left.
    this.#timer ??= setInterval(this.sweep, this.#intervalMs).unref();
  }

  delete(member: Sweepable): void {
    if (member.sweepPlace === NOWHERE) return;
    this.#members.remove(member.sweepPlace);
    member.sweepPlace = NOWHERE;
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  readonly sweep = (): void => {
    const nowMs = this.nowMs;
    for (const member of this.#members) member.sweep(nowMs);
  };
}
