import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, type Logger } from "@shadowfleet/runtime";
import type { FleetStore } from "@shadowfleet/store";

export interface TurnOptions {
  readonly store: Pick<FleetStore, "takeTurn">;
  /** What the turn is about: one process of the fleet has it at a time. */
  readonly name: string;
  /** This process. */
  readonly holder: string;
  /** How long others wait after a holder that died. */
  readonly ttlMs: number;
  readonly logger: Logger;
}

/** Of the time a turn lasts, what its holder makes use of: the answer took a moment, and others' clocks differ. */
const SAFE_PART = 0.8;

/** Work that one process of the fleet does at a time; another one goes on with it when that process dies. */
export class Turn {
  readonly #options: TurnOptions;
  #isHeld = false;

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /**
   * Until `stop`: waits for the turn and calls `work`, whose signal aborts when the turn is over. `work` may end or fail before; it is called again a moment
   * later.
   */
  async run(work: (held: AbortSignal) => Promise<void>, stop: AbortSignal): Promise<void> {
    const { ttlMs } = this.#options;
    while (!stop.aborted) {
      const askedAtMs = performance.now();
      if (await this.#ask(ttlMs)) await this.#hold(work, stop, askedAtMs);
      await pause(ttlMs / 3, stop);
    }
  }

  async #hold(work: (held: AbortSignal) => Promise<void>, stop: AbortSignal, askedAtMs: number): Promise<void> {
    const { name, ttlMs, logger } = this.#options;
    const over = new AbortController();
    const held = AbortSignal.any([over.signal, stop]);
    this.#isHeld = true;
    logger.debug({ turn: name }, "this process has the turn");
    const renewing = this.#renew(over, held, askedAtMs);
    try {
      await work(held);
    } catch (error) {
      const code = codeOf(error);
      const fields = code === "INTERNAL" ? { turn: name, code, err: error } : { turn: name, code, reason: (error as Error).message };
      logger[code === "INTERNAL" ? "error" : "debug"](fields, "what this process has the turn for failed, it is tried again");
    } finally {
      this.#isHeld = false;
      const wasLost = over.signal.aborted;
      over.abort();
      await renewing;
      // The shortest turn there is: whoever asks next has it.
      if (stop.aborted && !wasLost) await this.#ask(1);
    }
    await pause(ttlMs / 10, stop);
  }

  /** Keeps asking until the turn is over, which is also when no answer came for too long. */
  async #renew(over: AbortController, held: AbortSignal, firstAskedAtMs: number): Promise<void> {
    const { ttlMs } = this.#options;
    let timer = this.#overAfter(over, firstAskedAtMs);
    for (;;) {
      await pause(ttlMs / 3, held);
      if (held.aborted) break;
      const askedAtMs = performance.now();
      const answer = await this.#ask(ttlMs);
      if (answer === false) over.abort();
      if (answer !== true) continue;
      clearTimeout(timer);
      timer = this.#overAfter(over, askedAtMs);
    }
    clearTimeout(timer);
  }

  #overAfter(over: AbortController, askedAtMs: number): NodeJS.Timeout {
    return setTimeout(() => over.abort(), askedAtMs + this.#options.ttlMs * SAFE_PART - performance.now()).unref();
  }

  /** Undefined: the store does not answer. */
  async #ask(ttlMs: number): Promise<boolean | undefined> {
    const { store, name, holder, logger } = this.#options;
    try {
      return await store.takeTurn(name, holder, ttlMs);
    } catch (error) {
      logger.debug({ turn: name, code: codeOf(error), reason: (error as Error).message }, "whose turn it is cannot be asked");
      return undefined;
    }
  }
}

/** Ends early with the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
