import { systemClock } from "@shadowfleet/runtime";
import { RecencyList, type RecencyNode } from "./recency-list.ts";

export interface Expiring {
  /** By the monotonic clock. */
  readonly startedMs: number;
  /** Its time is up; removes it. */
  expire(): void;
}

const byTimeout = new Map<number, DialDeadlines>();

/** The deadlines of all that may take so long. */
export function deadlinesAfter(timeoutMs: number): DialDeadlines {
  const known = byTimeout.get(timeoutMs);
  if (known !== undefined) return known;
  const made = new DialDeadlines(timeoutMs);
  byTimeout.set(timeoutMs, made);
  return made;
}

/**
 * One timer for all that began at some time and may take equally long: the first to begin is the first whose time is up. The timer is not touched when
 * one ends in time, as nearly all do, but finds out when it is due.
 */
export class DialDeadlines {
  readonly #timeoutMs: number;
  readonly #waiting = new RecencyList<Expiring>();
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** To be called in the order in which they began. */
  add(expiring: Expiring): RecencyNode<Expiring> {
    // Unreferenced: what waits has a socket, which keeps the process alive.
    this.#timer ??= setTimeout(this.#onDue, this.#timeoutMs).unref();
    return this.#waiting.add(expiring);
  }

  /** It has ended in time. */
  remove(node: RecencyNode<Expiring>): void {
    this.#waiting.remove(node);
  }

  readonly #onDue = (): void => {
    const nowMs = systemClock.monotonic();
    for (let oldest = this.#waiting.oldest; oldest !== undefined; oldest = this.#waiting.oldest) {
      const leftMs = oldest.startedMs + this.#timeoutMs - nowMs;
      if (leftMs > 0) {
        this.#timer = setTimeout(this.#onDue, Math.ceil(leftMs)).unref();
        return;
      }
      oldest.expire();
    }
    this.#timer = undefined;
    byTimeout.delete(this.#timeoutMs);
  };
}
