import { setTimeout as sleep } from "node:timers/promises";

/** Does something again and again until it is disposed, one at a time, with a pause between. */
export class Repetition implements AsyncDisposable {
  readonly what: string;
  /** Times it worked. */
  successes = 0;
  lastError: unknown;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  constructor(what: string, pauseMs: number, action: () => Promise<unknown>) {
    this.what = what;
    this.#running = this.#run(pauseMs, action);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(pauseMs: number, action: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await action();
        this.successes++;
      } catch (error) {
        // An upstream that is dead on purpose takes some tries with it.
        this.lastError = error;
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
