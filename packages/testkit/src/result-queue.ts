import { withDeadline } from "./deadline.ts";

/** Results handed over in order to whoever asks, before or after they are there. */
export class ResultQueue<T> {
  readonly #ready: T[] = [];
  readonly #waiting: ((result: T) => void)[] = [];

  push(result: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(result);
    else this.#ready.push(result);
  }

  /** The oldest result not taken yet; rejects with `what` in its message when none comes within the deadline. */
  next(what: string, deadlineMs = 5_000): Promise<T> {
    const ready = this.#ready.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#waiting.push(resolve);
    return withDeadline(promise, deadlineMs, what).catch((error: unknown) => {
      const place = this.#waiting.indexOf(resolve);
      if (place >= 0) this.#waiting.splice(place, 1);
      throw error;
    });
  }

  /** Results nobody has taken. */
  get size(): number {
    return this.#ready.length;
  }
}
