import { type FailCounts, MAX_FAIL_COUNT } from "./fail-counts.ts";
import type { FeedEvent, FeedSubscription, FleetStore } from "./fleet-store.ts";
import { retryDelayMs } from "./retry-delay.ts";

/** Why a count changed: a failure or success of this process, or what the store says. */
export type FailCountReason = "failure" | "success" | "shared";

export type OnFailCountTransition = (upstreamId: string, from: number, to: number, why: FailCountReason) => void;

export interface SharedFailCountsOptions {
  readonly store: Pick<FleetStore, "subscribe" | "readFailCounts" | "addFailure" | "clearFailures">;
  /** Called for every change, for a log line and a metric. */
  readonly onTransition?: OnFailCountTransition;
}

/** What this process counted and the store has not acknowledged: failures, behind a clearing if there was a success. */
interface Owed {
  clears: boolean;
  failures: number;
  /** The last count the feed told meanwhile. */
  heard: number | undefined;
}

/** How long the feed may take to tell of a call that the store has answered; after it the counts are read. */
const ECHO_MS = 300;

/** A position no store knows: the subscription begins with `reset`, upon which the counts are read. */
const NOWHERE = { revision: 0, generation: "" };

/**
 * Counts shared through a store. A local copy answers at once; what this process counts goes to the store behind it, and the feed brings what
 * others count. While the store is away the copy goes on alone; then failures counted meanwhile are sent, at most to the cap, and a success
 * clears. `start` before use, `close` at the end.
 */
export class SharedFailCounts implements FailCounts {
  readonly #store: SharedFailCountsOptions["store"];
  readonly #onTransition: OnFailCountTransition;
  readonly #counts = new Map<string, number>();
  readonly #owed = new Map<string, Owed>();
  /** Counts that the store answered and the feed has yet to tell: what it tells before that is older. */
  readonly #awaited = new Map<string, number>();
  #subscription: FeedSubscription | undefined;
  /** Upstreams the feed spoke of while the counts are being read: what it says is as new, or newer is to come. */
  #heard = new Set<string>();
  #isStale = true;
  #isWorking = false;
  #isClosed = false;
  #failures = 0;
  #echoTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor({ store, onTransition = () => {} }: SharedFailCountsOptions) {
    this.#store = store;
    this.#onTransition = onTransition;
  }

  /** Begins to follow the store, in the background and for ever. */
  start(): void {
    void this.#work();
  }

  get(upstreamId: string): number {
    return this.#counts.get(upstreamId) ?? 0;
  }

  fail(upstreamId: string): number {
    const count = this.get(upstreamId);
    if (count === MAX_FAIL_COUNT) return count;
    this.#set(upstreamId, count + 1, "failure");
    const owed = this.#owedOf(upstreamId);
    owed.failures = Math.min(owed.failures + 1, MAX_FAIL_COUNT);
    void this.#work();
    return count + 1;
  }

  succeed(upstreamId: string): void {
    // The usual case: nothing to clear, nothing to say.
    if (this.get(upstreamId) === 0 && !this.#owed.has(upstreamId)) return;
    this.#set(upstreamId, 0, "success");
    const owed = this.#owedOf(upstreamId);
    owed.clears = true;
    owed.failures = 0;
    void this.#work();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#echoTimer);
    await this.#subscription?.close();
  }

  async #work(): Promise<void> {
    if (this.#isWorking || this.#isClosed || this.#retryTimer !== undefined) return;
    this.#isWorking = true;
    try {
      await this.#subscribe();
      while (!this.#isClosed && (this.#owed.size > 0 || this.#isStale)) {
        for (const [upstreamId, owed] of this.#owed) await this.#pay(upstreamId, owed);
        if (this.#isStale) await this.#refresh();
      }
      this.#failures = 0;
    } catch {
      // The store's own log says why; here it is only later.
      this.#retryLater();
    } finally {
      this.#isWorking = false;
    }
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    this.#retryTimer = setTimeout(
      () => {
        this.#retryTimer = undefined;
        void this.#work();
      },
      retryDelayMs(++this.#failures),
    );
  }

  async #subscribe(): Promise<void> {
    this.#subscription ??= await this.#store.subscribe(NOWHERE, (event) => this.#take(event));
    if (this.#isClosed) await this.#subscription.close();
  }

  #take(event: FeedEvent): void {
    if (event.type === "reset") this.#readAgain();
    if (event.type !== "fail-count") return;
    const { upstreamId, count } = event;
    this.#heard.add(upstreamId);
    const owed = this.#owed.get(upstreamId);
    if (owed) owed.heard = count;
    else if (!this.#awaited.has(upstreamId)) this.#set(upstreamId, count, "shared");
    else if (this.#awaited.get(upstreamId) === count) this.#awaited.delete(upstreamId);
  }

  #readAgain(): void {
    this.#isStale = true;
    void this.#work();
  }

  /** Sends what is owed for one upstream. What a rejected call owed stays owed, unless a success came meanwhile. */
  async #pay(upstreamId: string, owed: Owed): Promise<void> {
    let answered = this.get(upstreamId);
    if (owed.clears) {
      owed.clears = false;
      await this.#store.clearFailures(upstreamId).catch((error) => {
        owed.clears = true;
        throw error;
      });
      answered = 0;
    }
    while (owed.failures > 0 && !owed.clears) {
      owed.failures--;
      answered = await this.#store.addFailure(upstreamId).catch((error) => {
        if (!owed.clears) owed.failures = Math.min(owed.failures + 1, MAX_FAIL_COUNT);
        throw error;
      });
    }
    if (owed.clears) return;
    this.#owed.delete(upstreamId);
    this.#set(upstreamId, answered, "shared");
    if (owed.heard !== answered) this.#awaitEcho(upstreamId, answered);
  }

  #awaitEcho(upstreamId: string, count: number): void {
    this.#awaited.set(upstreamId, count);
    this.#echoTimer ??= setTimeout(() => {
      this.#echoTimer = undefined;
      if (this.#awaited.size === 0) return;
      this.#awaited.clear();
      this.#readAgain();
    }, ECHO_MS);
  }

  async #refresh(): Promise<void> {
    this.#isStale = false;
    this.#heard = new Set();
    const shared = await this.#store.readFailCounts().catch((error) => {
      this.#isStale = true;
      throw error;
    });
    for (const upstreamId of new Set([...shared.keys(), ...this.#counts.keys()])) {
      if (this.#owed.has(upstreamId) || this.#awaited.has(upstreamId) || this.#heard.has(upstreamId)) continue;
      this.#set(upstreamId, shared.get(upstreamId) ?? 0, "shared");
    }
  }

  #owedOf(upstreamId: string): Owed {
    const known = this.#owed.get(upstreamId);
    if (known) return known;
    const owed = { clears: false, failures: 0, heard: undefined };
    this.#awaited.delete(upstreamId);
    this.#owed.set(upstreamId, owed);
    return owed;
  }

  #set(upstreamId: string, to: number, why: FailCountReason): void {
    const from = this.get(upstreamId);
    if (from === to) return;
    if (to === 0) this.#counts.delete(upstreamId);
    else this.#counts.set(upstreamId, to);
    this.#onTransition(upstreamId, from, to, why);
  }
}
