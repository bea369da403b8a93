import type { ErrorCode } from "@shadowfleet/runtime";

/** A client connection while it lives. */
export interface LiveSession {
  readonly transport: "tcp" | "udp";
  /** False until its request is complete: nobody is being served yet. */
  readonly requested: boolean;
  /** Ends it now under this code. */
  terminate(code: ErrorCode): void;
}

/** How long a drain waits for requests in flight, and for ended connections to be closed. */
const GRACE_MS = 1000;

/** Every client connection of the gateway, and the way to see them all out. */
export class Sessions {
  readonly #open = new Set<LiveSession>();
  #onChange: () => void = () => {};

  get size(): number {
    return this.#open.size;
  }

  count(transport: LiveSession["transport"]): number {
    let count = 0;
    for (const session of this.#open) if (session.transport === transport) count++;
    return count;
  }

  add(session: LiveSession): void {
    this.#open.add(session);
  }

  delete(session: LiveSession): void {
    this.#open.delete(session);
    this.#onChange();
  }

  /**
   * Waits until every session is over, `deadlineMs` at most, then ends what is left under DRAIN_DEADLINE. Clients that have asked for nothing
   * get a moment only. To be called when nothing is accepted any more.
   */
  async drain(deadlineMs: number): Promise<void> {
    const graceMs = Math.min(deadlineMs, GRACE_MS);
    await this.#until(() => this.size === 0, graceMs);
    await this.#until(() => !this.#serving(), deadlineMs - graceMs);
    for (const session of [...this.#open]) session.terminate("DRAIN_DEADLINE");
    await this.#until(() => this.size === 0, GRACE_MS);
  }

  #serving(): boolean {
    for (const session of this.#open) if (session.requested) return true;
    return false;
  }

  #until(done: () => boolean, withinMs: number): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#onChange = () => {};
        resolve();
      };
      const timer = setTimeout(settle, withinMs);
      this.#onChange = () => {
        if (done()) settle();
      };
    });
  }
}
