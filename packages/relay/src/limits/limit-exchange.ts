import { type Clock, codeOf, type Logger, type Metrics } from "@shadowfleet/runtime";
import { type FleetStore, type LimitReport, readQuotaBase, type SessionClaim, type SessionVerdict } from "@shadowfleet/store";
import { withinDeadline } from "../fleet/call-deadline.ts";
import type { KeyLimiter } from "./key-limiter.ts";
import type { LimitHome } from "./limit-home.ts";

export interface LimitExchangeOptions {
  readonly store: Pick<FleetStore, "exchangeLimits" | "claimSession" | "readTraffic" | "readBuckets">;
  readonly memberId: string;
  readonly policy: () => "continue" | "refuse";
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** How often a key tells what it does: while bytes move or somebody waits, and while its sessions are quiet. */
const BUSY_MS = 400;
const QUIET_MS = 2000;
/** A quota may be used up elsewhere: its sessions end within a second also where they are quiet. */
const QUIET_QUOTA_MS = 700;
/** A key that waits for what others hold asks so often whether they have given it back. */
const STARVED_MS = 100;
/** While parts of a rate change hands, until they have found their sizes. */
const MOVING_MS = 150;
const TICK_MS = 100;
/** Between two calls at least, whatever is urgent. */
const GAP_MS = 10;
const MAX_REPORTS = 500;
const CALL_LIMIT_MS = 1000;
/** A client waits for the answer before its target is dialled. */
const CLAIM_LIMIT_MS = 250;

/** Tells the store what the keys with limits do on this relay, and the keys what they may. One call at a time; keys at rest cost nothing. */
export class LimitExchange implements LimitHome {
  readonly #options: LimitExchangeOptions;
  /** When each active key is due, on the monotonic clock. */
  readonly #due = new Map<KeyLimiter, number>();
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #calling: Promise<void> | undefined;
  #calledMs = Number.NEGATIVE_INFINITY;
  #isAway = false;
  #isOver = false;

  constructor(options: LimitExchangeOptions) {
    this.#options = options;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  get whenUnavailable(): "continue" | "refuse" {
    return this.#options.policy();
  }

  /** Keys with limits that are in use here. */
  get size(): number {
    return this.#due.size;
  }

  /** Bytes that are leased and not used. */
  get leasedBytes(): number {
    let sum = 0;
    for (const { quota } of this.#due.keys()) sum += quota.leased;
    return sum;
  }

  urge(limiter: KeyLimiter): void {
    if (this.#isOver) return;
    const now = this.#options.clock.monotonic();
    // While nobody answers there is no hurry.
    if (this.#isAway && this.#due.has(limiter)) return;
    this.#due.set(limiter, now);
    this.#wakeIn(Math.max(0, this.#calledMs + GAP_MS - now));
  }

  async claim(claim: SessionClaim): Promise<SessionVerdict | "unavailable"> {
    if (this.#isAway) return "unavailable";
    const { promise, resolve } = Promise.withResolvers<SessionVerdict | "unavailable">();
    // Where this process was too busy to read, the answer may be here already: one more turn reads it.
    const timer = setTimeout(() => setImmediate(resolve, "unavailable"), CLAIM_LIMIT_MS);
    const { store, memberId, metrics } = this.#options;
    store.claimSession(memberId, claim).then(resolve, () => resolve("unavailable"));
    const verdict = await promise;
    clearTimeout(timer);
    metrics.add("fleet.limits.claims", 1, { outcome: OUTCOMES[verdict] });
    return verdict;
  }

  /** The end, once no session is left: everything is told and given back, as far as the store takes it in time. */
  async finish(limitMs: number): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    const tellAll = async (): Promise<void> => {
      await this.#calling;
      await this.#call([...this.#due.keys()]);
      // A window that ended has had its last word; the present one has its own.
      await this.#call([...this.#due.keys()].filter(({ quota }) => quota.hasLastWords));
    };
    await withinDeadline(tellAll(), limitMs).catch(() => undefined);
  }

  #wakeIn(ms: number): void {
    const atMs = this.#options.clock.monotonic() + ms;
    if (this.#timer && this.#timerAtMs <= atMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#run(), ms).unref();
  }

  #run(): void {
    this.#timer = undefined;
    // What is due now is due when the call is over.
    if (this.#calling || this.#isOver) return;
    const now = this.#options.clock.monotonic();
    const batch = this.#dueAt(now);
    if (batch.length === 0) {
      if (this.#due.size > 0) this.#wakeIn(TICK_MS);
      return;
    }
    this.#calling = this.#call(batch).finally(() => {
      this.#calling = undefined;
      const nextMs = Math.min(...this.#due.values()) - this.#options.clock.monotonic();
      if (nextMs < Number.POSITIVE_INFINITY) this.#wakeIn(Math.max(GAP_MS, Math.min(TICK_MS, nextMs)));
    });
  }

  /** One of a key at most: a key that lost its limits and got some again has two for a moment. */
  #dueAt(nowMs: number): KeyLimiter[] {
    const batch = new Map<string, KeyLimiter>();
    for (const [limiter, dueMs] of this.#due) {
      if (dueMs <= nowMs && !batch.has(limiter.keyId)) batch.set(limiter.keyId, limiter);
      if (batch.size === MAX_REPORTS) break;
    }
    return [...batch.values()];
  }

  /** Never rejects. */
  async #call(batch: readonly KeyLimiter[]): Promise<void> {
    if (batch.length === 0) return;
    const { store, memberId, clock, metrics } = this.#options;
    const now = clock.monotonic();
    this.#calledMs = now;
    const reports = batch.map((limiter) => limiter.report());
    for (const [index, limiter] of batch.entries()) this.#due.set(limiter, now + pauseAfter(limiter, reports[index]!));
    try {
      const answers = await withinDeadline(store.exchangeLimits(memberId, reports), CALL_LIMIT_MS);
      metrics.add("fleet.limits.exchanges", 1, { outcome: "OK" });
      this.#heard();
      for (const [index, limiter] of batch.entries()) this.#take(limiter, reports[index]!, answers[index]!);
    } catch (error) {
      metrics.add("fleet.limits.exchanges", 1, { outcome: codeOf(error) });
      this.#unanswered(error);
    }
  }

  #take(limiter: KeyLimiter, report: LimitReport, answer: Parameters<KeyLimiter["take"]>[1]): void {
    if (limiter.take(report, answer)) this.#lookUpBase(limiter);
    const now = this.#options.clock.monotonic();
    const isMoving = limiter.up.isMoving || limiter.down.isMoving;
    const soonMs = limiter.quota.isStarved ? STARVED_MS : isMoving ? MOVING_MS : QUIET_MS;
    if (limiter.sessions > 0) this.#due.set(limiter, Math.min(this.#due.get(limiter)!, now + soonMs));
    // It leaves when the store has heard that it does.
    if (limiter.isActive || report.sessions > 0) return;
    this.#due.delete(limiter);
    limiter.rest();
  }

  #lookUpBase(limiter: KeyLimiter): void {
    const { window } = limiter.quota;
    if (!window) return;
    withinDeadline(readQuotaBase(this.#options.store, limiter.keyId, window), CALL_LIMIT_MS).then(
      (bytes) => {
        limiter.quota.foundBase(window.id, bytes);
        this.urge(limiter);
      },
      // The next report is asked for it again.
      (error: unknown) => this.#options.logger.debug({ err: error }, "what a key has relayed before could not be read"),
    );
  }

  #heard(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#options.logger.info("limits of access keys are known again");
    const now = this.#options.clock.monotonic();
    for (const limiter of this.#due.keys()) {
      limiter.answered();
      this.#due.set(limiter, now);
    }
  }

  #unanswered(error: unknown): void {
    const { logger } = this.#options;
    const policy = this.whenUnavailable;
    if (!this.#isAway) {
      const goOn = policy === "continue" ? "what has nothing left goes on unchecked" : "what has nothing left is refused";
      logger.warn({ code: "LIMITS_UNCHECKED", err: error, keys: this.#due.size }, `limits of access keys cannot be looked up: ${goOn}`);
    }
    this.#isAway = true;
    const nextMs = this.#options.clock.monotonic() + BUSY_MS;
    for (const limiter of this.#due.keys()) {
      this.#due.set(limiter, nextMs);
      limiter.unanswered(policy);
    }
  }
}

const OUTCOMES = {
  admitted: "OK",
  "device-limit": "DEVICE_LIMIT",
  "session-limit": "SESSION_LIMIT",
  unavailable: "LIMITS_UNCHECKED",
} as const satisfies Record<SessionVerdict | "unavailable", string>;

function pauseAfter(limiter: KeyLimiter, { up, down, quota }: LimitReport): number {
  const isBusy = limiter.up.rate + limiter.down.rate > 1 || up?.isSaturated === true || down?.isSaturated === true;
  if (isBusy) return BUSY_MS;
  return quota ? QUIET_QUOTA_MS : QUIET_MS;
}
