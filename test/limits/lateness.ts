const EVERY_MS = 20;

/** How late a timer of this process comes at worst: what a machine that is busy with much else does to everything that is timed. */
export class Lateness implements Disposable {
  /** Milliseconds, since it was made. */
  worstMs = 0;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    let dueMs = performance.now() + EVERY_MS;
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.worstMs = Math.max(this.worstMs, now - dueMs);
      dueMs = now + EVERY_MS;
    }, EVERY_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
