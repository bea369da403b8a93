import type { Clock } from "@shadowfleet/runtime";

/** Wall clocks are set: no wait is longer than this before looking at the clock again. */
const LONGEST_WAIT_MS = 60_000;

interface Moment {
  readonly atMs: number;
  readonly id: string;
}

/** Calls back when the moments of ids come: one moment an id, the earliest first, on one timer. */
export class Timeline {
  readonly #clock: Clock;
  readonly #onDue: (ids: readonly string[]) => void;
  readonly #next = new Map<string, number>();
  /** A binary heap by time. Entries that `#next` no longer confirms are skipped when their turn comes. */
  #heap: Moment[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `onDue` is told ids whose moment came; it schedules their next ones. */
  constructor(clock: Clock, onDue: (ids: readonly string[]) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Replaces the id's moment; undefined takes it away. */
  schedule(id: string, atMs: number | undefined): void {
    if (this.#next.get(id) === atMs) return;
    if (atMs === undefined) {
      this.#next.delete(id);
      return;
    }
    this.#next.set(id, atMs);
    this.#push({ atMs, id });
    if (this.#heap.length > 2 * this.#next.size + 64) this.#rebuild();
    if (this.#heap[0]?.id === id) this.#arm();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#next.clear();
    this.#heap = [];
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const first = this.#heap[0];
    if (!first) return;
    const waitMs = Math.min(Math.max(first.atMs - this.#clock.now(), 1), LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.#onTimer(), waitMs).unref();
  }

  #onTimer(): void {
    const due: string[] = [];
    for (let first = this.#heap[0]; first && first.atMs <= this.#clock.now(); first = this.#heap[0]) {
      this.#pop();
      if (this.#next.get(first.id) !== first.atMs) continue;
      this.#next.delete(first.id);
      due.push(first.id);
    }
    if (due.length > 0) this.#onDue(due);
    this.#arm();
  }

  #rebuild(): void {
    this.#heap = [];
    for (const [id, atMs] of this.#next) this.#push({ atMs, id });
  }

  #push(moment: Moment): void {
    const heap = this.#heap;
    let at = heap.push(moment) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.atMs <= moment.atMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = moment;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++;
      if (last.atMs <= heap[child]!.atMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
