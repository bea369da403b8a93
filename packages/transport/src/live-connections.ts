import { NOWHERE, Places } from "./places.ts";

/** How long a drain waits for connections that nobody is served by, and for ended ones to be closed. */
const GRACE_MS = 1000;

export interface LiveConnection {
  /** The live connections': NOWHERE before it is added. */
  livePlace: number;
}

export interface LiveConnectionRules<C> {
  /** Whether somebody is served by it: only that is worth waiting for. */
  readonly isServing: (connection: C) => boolean;
  /** Ends a connection at the drain's deadline; it is deleted once it has closed. */
  readonly cut: (connection: C) => void;
}

/** Every client connection of a service, and the way to see them all out. */
export class LiveConnections<C extends LiveConnection> implements Iterable<C> {
  readonly #rules: LiveConnectionRules<C>;
  readonly #open = new Places<C>();
  #onChange: () => void = () => {};

  constructor(rules: LiveConnectionRules<C>) {
    this.#rules = rules;
  }

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): Iterator<C> {
    return this.#open[Symbol.iterator]();
  }

  add(connection: C): void {
    connection.livePlace = this.#open.add(connection);
  }

  /** Does nothing when it is not there. */
  delete(connection: C): void {
    if (connection.livePlace === NOWHERE) return;
    this.#open.remove(connection.livePlace);
    connection.livePlace = NOWHERE;
    this.#onChange();
  }

  /**
   * Waits until nobody is served any more, `deadlineMs` at most, then cuts what is left. Connections that serve nobody get a moment only, or
   * any stranger could hold up a shutdown. To be called when nothing is accepted any more.
   */
  async drain(deadlineMs: number): Promise<void> {
    const graceMs = Math.min(deadlineMs, GRACE_MS);
    await this.#until(() => this.size === 0, graceMs);
    await this.#until(() => !this.#isServingAnybody(), deadlineMs - graceMs);
    for (const connection of [...this.#open]) this.#rules.cut(connection);
    await this.#until(() => this.size === 0, GRACE_MS);
  }

  #isServingAnybody(): boolean {
    for (const connection of this.#open) if (this.#rules.isServing(connection)) return true;
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
