import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, type Logger } from "@shadowfleet/runtime";
import type { FeedEvent, FeedSubscription, FleetState, FleetStore } from "@shadowfleet/store";

/** What follows the store. Called in the order things happened. */
export interface StoreFollower {
  /** The whole state, at first and whenever events may have been missed; then events that come after it. */
  onState(state: FleetState, failCounts: ReadonlyMap<string, number>): void;
  onEvent(event: Exclude<FeedEvent, { type: "reset" }>): void;
}

export interface StoreLinkOptions {
  readonly store: FleetStore;
  readonly logger: Logger;
  readonly follower: StoreFollower;
  /** How often the store is asked for a sign of life. */
  readonly pingIntervalMs: number;
  /** First pause after a failure; doubled each time up to `retryMaxMs`, with jitter. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

/** Keeps a follower in step with the store for as long as it runs: reads, subscribes, notices when the store is away, and begins again. */
export class StoreLink {
  readonly #options: StoreLinkOptions;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #isAvailable = false;
  #awayReason: string | undefined;
  #failures = 0;

  constructor(options: StoreLinkOptions) {
    this.#options = options;
  }

  /** The store answered when it was last asked. */
  get isAvailable(): boolean {
    return this.#isAvailable;
  }

  /** Why the store was not available when it was last asked; undefined when it was. */
  get awayReason(): string | undefined {
    return this.#awayReason;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await this.#follow();
      } catch (error) {
        this.#lost(error);
        await this.#pause(this.#backoffMs());
      }
    }
  }

  /** Returns when the state has to be read again; throws when the store does not answer. */
  async #follow(): Promise<void> {
    const { store, follower, pingIntervalMs } = this.#options;
    const state = await store.readState();
    follower.onState(state, await store.readFailCounts());
    const restart = new AbortController();
    let subscription: FeedSubscription | undefined;
    try {
      subscription = await store.subscribe({ revision: state.revision, generation: state.generation }, (event) => {
        if (restart.signal.aborted) return;
        if (event.type === "reset") restart.abort();
        else follower.onEvent(event);
      });
      this.#found();
      while (!restart.signal.aborted && !this.#closing.signal.aborted) {
        await this.#pause(pingIntervalMs, restart.signal);
        await store.ping();
      }
    } finally {
      restart.abort();
      await subscription
        ?.close()
        .catch((error: unknown) => this.#options.logger.debug({ err: error }, "a feed subscription did not close"));
    }
  }

  #found(): void {
    if (!this.#isAvailable) this.#options.logger.info({ failures: this.#failures }, "the shared store answers");
    this.#isAvailable = true;
    this.#awayReason = undefined;
    this.#failures = 0;
  }

  #lost(error: unknown): void {
    const wasAvailable = this.#isAvailable;
    this.#isAvailable = false;
    this.#awayReason = (error as Error).message;
    this.#failures++;
    const code = codeOf(error);
    const isBug = code === "INTERNAL";
    const fields = { code, ...(isBug ? { err: error } : { reason: this.#awayReason }), failures: this.#failures };
    const text = "the shared store does not answer: reads come from memory, writes are refused";
    if (isBug || wasAvailable || this.#failures === 1) this.#options.logger.error(fields, text);
    else this.#options.logger.debug(fields, text);
  }

  #backoffMs(): number {
    const { retryMinMs, retryMaxMs } = this.#options;
    // Jitter, so that replicas do not fall on a returning store together.
    return Math.min(retryMinMs * 2 ** (this.#failures - 1), retryMaxMs) * (0.5 + Math.random() / 2);
  }

  async #pause(ms: number, also?: AbortSignal): Promise<void> {
    const signal = also ? AbortSignal.any([this.#closing.signal, also]) : this.#closing.signal;
    await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
