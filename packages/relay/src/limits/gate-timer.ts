/** Something that is to be served now and then while somebody waits there. */
export interface Served {
  /** Whether somebody still waits. */
  serve(): boolean;
}

/** Often enough for a flow to be smooth, seldom enough to cost nothing. */
const TICK_MS = 20;

/** One timer for all gates of a process; it runs only while somebody waits. */
export class GateTimer {
  readonly #waiting = new Set<Served>();
  #timer: NodeJS.Timeout | undefined;

  watch(gate: Served): void {
    this.#waiting.add(gate);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  #tick(): void {
    for (const gate of this.#waiting) if (!gate.serve()) this.#waiting.delete(gate);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
