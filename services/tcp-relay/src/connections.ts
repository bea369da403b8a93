import type { Session } from "./session.ts";

/** How long a drain waits for connections that have shown no key, and for ended ones to be closed. */
const GRACE_MS = 1000;

/** Every client connection of the service, with or without a key, and the way to see them all out. */
export class Connections {
  readonly #open = new Set<Session>();
  #onChange: () => void = () => {};

  get size(): number {
    return this.#open.size;
  }

  add(session: Session): void {
    this.#open.add(session);
  }

  delete(session: Session): void {
    this.#open.delete(session);
    this.#onChange();
  }

  /**
   * Waits until every authenticated session is over, `deadlineMs` at most, then ends what is left under DRAIN_DEADLINE. Strangers are not waited
   * for, or any prober could hold up a shutdown; only a handshake in flight gets a moment. To be called when nothing is accepted any more.
   */
  async drain(deadlineMs: number): Promise<void> {
    const graceMs = Math.min(deadlineMs, GRACE_MS);
    await this.#until(() => this.size === 0, graceMs);
    await this.#until(() => !this.#hasAuthenticated(), deadlineMs - graceMs);
    for (const session of this.#open) {
      if (session.authenticated) session.terminate("DRAIN_DEADLINE");
      else session.expire();
    }
    await this.#until(() => this.size === 0, GRACE_MS);
  }

  #hasAuthenticated(): boolean {
    for (const session of this.#open) if (session.authenticated) return true;
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
