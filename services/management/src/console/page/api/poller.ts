const EVERY_MS = 2_000;
const HIDDEN_EVERY_MS = 30_000;
const MAX_RETRY_MS = 30_000;
/** A round that took long is followed by a pause that many times as long, so that a large fleet is not kept busy by being watched. */
const PAUSE_PER_ROUND = 4;

/** Runs a task again and again: every two seconds while the page is seen, rarely while it is not, and ever more rarely while it fails. */
export class Poller {
  readonly #task: () => Promise<void>;
  readonly #failed: (error: unknown, retryMs: number) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isRunning = false;
  #isWantedAgain = false;
  #isStopped = true;
  #failures = 0;

  constructor(task: () => Promise<void>, failed: (error: unknown, retryMs: number) => void) {
    this.#task = task;
    this.#failed = failed;
  }

  start(): void {
    this.#isStopped = false;
    document.addEventListener("visibilitychange", this.#seen);
    this.kick();
  }

  stop(): void {
    this.#isStopped = true;
    document.removeEventListener("visibilitychange", this.#seen);
    clearTimeout(this.#timer);
  }

  /** Runs the task now, or once more if it is running. */
  kick(): void {
    if (this.#isStopped) return;
    if (this.#isRunning) this.#isWantedAgain = true;
    else void this.#round();
  }

  readonly #seen = (): void => {
    if (!document.hidden) this.kick();
  };

  async #round(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isRunning = true;
    this.#isWantedAgain = false;
    const begun = performance.now();
    let pauseMs: number;
    try {
      await this.#task();
      this.#failures = 0;
      pauseMs = Math.max(document.hidden ? HIDDEN_EVERY_MS : EVERY_MS, PAUSE_PER_ROUND * (performance.now() - begun));
    } catch (error) {
      pauseMs = Math.min(MAX_RETRY_MS, EVERY_MS * 2 ** this.#failures++);
      this.#failed(error, pauseMs);
    }
    this.#isRunning = false;
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#round(), this.#isWantedAgain ? 0 : pauseMs);
  }
}
