import { systemClock } from "@shadowfleet/runtime";
import { RecencyList, type RecencyNode } from "./recency-list.ts";

export interface Expiring {
  /** By the monotonic clock. */
  readonly startedMs: number;
  /** Its time is up; removes it. */
  expire(): void;
}

/** Lists kept while nobody waits in them: a process has a few timeouts that come again and again. */
const KEPT = 16;

/** Not a Map: the tables that it outgrows as its members come and go would keep what waits alive (see `Places`). */
const lists: Deadlines[] = [];

/** The deadlines of all that may take so long. */
export function deadlinesAfter(timeoutMs: number): Deadlines {
  for (const list of lists) if (list.timeoutMs === timeoutMs) return list;
  const made = new Deadlines(timeoutMs);
  lists.push(made);
  return made;
}

/**
 * One timer for all that began at some time and may take equally long: the first to begin is the first whose time is up. The timer is not touched when
 * one ends in time, as nearly all do, but finds out when it is due.
 */
export class Deadlines {
  readonly timeoutMs: number;
  readonly #waiting = new RecencyList<Expiring>();
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  /** To be called in the order in which they began. */
  add(expiring: Expiring): RecencyNode<Expiring> {
    // Unreferenced: what waits has a socket, which keeps the process alive.
    this.#timer ??= setTimeout(this.#onDue, this.timeoutMs).unref();
    return this.#waiting.add(expiring);
  }

  /** It has ended in time. */
  remove(node: RecencyNode<Expiring>): void {
    this.#waiting.remove(node);
  }

  readonly #onDue = (): void => {
    const nowMs = systemClock.monotonic();
    for (let oldest = this.#waiting.oldest; oldest !== undefined; oldest = this.#waiting.oldest) {
      const leftMs = oldest.startedMs + this.timeoutMs - nowMs;
      if (leftMs > 0) {
        this.#timer = setTimeout(this.#onDue, Math.ceil(leftMs)).unref();
        return;
      }
      oldest.expire();
    }
    this.#timer = undefined;
    if (lists.length > KEPT) lists.splice(lists.indexOf(this), 1);
  };
}
