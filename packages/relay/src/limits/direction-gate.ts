import type { Clock } from "@shadowfleet/runtime";
import type { RateReport } from "@shadowfleet/store";
import type { Throttle, Waiter } from "@shadowfleet/transport";
import type { GateTimer } from "./gate-timer.ts";

/** What else bounds a direction: the quota of the key. */
export interface ByteBudget {
  /** Bytes that may move now; Infinity where there is no bound. */
  readonly left: number;
  spend(bytes: number): void;
}

export interface GateOptions {
  readonly clock: Clock;
  readonly timer: GateTimer;
  readonly budget: ByteBudget;
  /** A flow begins to wait. */
  readonly onPause: () => void;
  /** Somebody is held back, and nobody was before: a larger part of the rate is wanted. */
  readonly onSaturated: () => void;
}

/** What may be saved up while nobody waits: a burst that no one measures. */
const BURST_MS = 200;
/** What may be saved up while somebody waits, for a timer that comes late. */
const LATE_MS = 500;
/** A flow moves so much of its rate at a time, within these bounds: larger pieces cost less, smaller ones are smoother. */
const PIECE_MS = 20;
const MIN_PIECE_BYTES = 1024;
const MAX_PIECE_BYTES = 64 * 1024;
/** A part is at rest when it changes by less than one in so many. */
const MOVING_PART = 16;
/** Over how long what has moved lately is averaged, about. */
const RATE_MS = 250;

/**
 * One direction of a key on this relay: a token bucket of the part of the key's rate that the fleet has given to this relay, and the line of those who
 * wait for it. The bucket may be overdrawn: what follows waits until the debt is paid.
 */
export class DirectionGate implements Throttle {
  readonly #options: GateOptions;
  readonly #line = new Set<Waiter>();
  /** Who was held back since the last report. */
  readonly #contenders = new Set<object>();
  #isServing = false;
  #isMoving = false;
  /** The store was told that somebody is held back. */
  #isSaturationKnown = false;
  /** Bytes per second: of the key over all relays, and this relay's part of it. */
  #limit = Number.POSITIVE_INFINITY;
  #share = Number.POSITIVE_INFINITY;
  #tokens = 0;
  #atMs: number;
  #moved = 0;
  #reportedMs: number;
  #rate = 0;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#atMs = options.clock.monotonic();
    this.#reportedMs = this.#atMs;
  }

  /** Bytes per second that moved lately, as of the last report. */
  get rate(): number {
    return this.#rate;
  }

  get waiting(): number {
    return this.#line.size;
  }

  get isLimited(): boolean {
    return this.#limit !== Number.POSITIVE_INFINITY;
  }

  /**
   * Another rate of the key, in bytes per second, Infinity for none; false when it is the same. Its part changes alike until the store says otherwise.
   */
  limit(limit: number): boolean {
    if (limit === this.#limit) return false;
    const part = this.isLimited ? this.#share / this.#limit : 0;
    this.#limit = limit;
    this.share(limit === Number.POSITIVE_INFINITY ? limit : part * limit);
    return true;
  }

  /** The part has lately become another one by more than a little: it has not found its size yet. */
  get isMoving(): boolean {
    return this.#isMoving;
  }

  /** What this relay may move, in bytes per second. */
  share(share: number): void {
    this.#refill();
    this.#isMoving = Math.abs(share - this.#share) > share / MOVING_PART;
    if (this.#share === Number.POSITIVE_INFINITY) this.#tokens = 0;
    this.#share = share;
  }

  /** Nobody can say what the others use: all of it. */
  shareAll(): void {
    if (this.#share === 0) this.share(this.#limit);
  }

  allowance(wanted: number): number {
    const others = this.#line.size;
    if (others > 0 && !this.#isServing) return 0;
    const { left } = this.#options.budget;
    const most = Math.min(wanted, left);
    if (this.#share === Number.POSITIVE_INFINITY) return others > 0 ? Math.min(most, MAX_PIECE_BYTES) : most;
    this.#refill();
    if (this.#tokens <= 0) return 0;
    const piece = Math.min(MAX_PIECE_BYTES, Math.max(MIN_PIECE_BYTES, Math.ceil((this.#share * PIECE_MS) / 1000)));
    return Math.min(most, others > 0 ? piece : Math.max(piece, Math.floor(this.#tokens)));
  }

  moved(bytes: number): void {
    this.#tokens -= bytes;
    this.tally(bytes);
  }

  /** Counts what moved and was paid for before. */
  tally(bytes: number): void {
    this.#moved += bytes;
    this.#options.budget.spend(bytes);
  }

  /** Whether a datagram may pass; it is paid for at once. One passes whole wherever nothing is owed. */
  admit(bytes: number, sender: object): boolean {
    if (this.#share === Number.POSITIVE_INFINITY) return true;
    this.#refill();
    if (this.#tokens <= 0) {
      this.#contend(sender);
      return false;
    }
    this.#tokens -= bytes;
    return true;
  }

  wait(waiter: Waiter): void {
    if (!this.#line.has(waiter) && !this.#isServing) this.#options.onPause();
    this.#line.add(waiter);
    this.#contend(waiter);
    this.#options.timer.watch(this);
  }

  leave(waiter: Waiter): void {
    this.#line.delete(waiter);
  }

  /** Gives turns, one after the other, for as long as something may move; false when nobody waits any more. */
  serve(): boolean {
    if (this.#isServing) return true;
    this.#isServing = true;
    for (const waiter of this.#line) {
      if (!this.#isOpen()) break;
      this.#line.delete(waiter);
      waiter.turn();
    }
    this.#isServing = false;
    return this.#line.size > 0;
  }

  /** What to tell the store of a key with so many sessions here; undefined without a rate. Begins a new account of what moves. */
  report(sessions: number): RateReport | undefined {
    const now = this.#options.clock.monotonic();
    const elapsedMs = now - this.#reportedMs;
    if (elapsedMs > 0) {
      const weight = 1 - Math.exp(-elapsedMs / RATE_MS);
      this.#rate += weight * ((this.#moved * 1000) / elapsedMs - this.#rate);
      this.#moved = 0;
      this.#reportedMs = now;
    }
    for (const waiter of this.#line) this.#contenders.add(waiter);
    // Whoever was held back and has left since wants nothing: a part that is told to be wanted would be lost to the others for as long as reports count.
    const contenders = Math.min(this.#contenders.size, sessions);
    this.#contenders.clear();
    this.#isSaturationKnown = contenders > 0;
    if (!this.isLimited) return undefined;
    return {
      limit: this.#limit,
      moved: Math.max(0, Math.round(this.#rate)),
      isSaturated: contenders > 0,
      sessions: contenders > 0 ? contenders : sessions,
    };
  }

  #isOpen(): boolean {
    if (this.#options.budget.left <= 0) return false;
    this.#refill();
    return this.#share === Number.POSITIVE_INFINITY || this.#tokens > 0;
  }

  #contend(who: object): void {
    const isFirst = this.#contenders.size === 0 && !this.#isSaturationKnown;
    this.#contenders.add(who);
    if (isFirst && this.isLimited) this.#options.onSaturated();
  }

  #refill(): void {
    const now = this.#options.clock.monotonic();
    const elapsedMs = now - this.#atMs;
    this.#atMs = now;
    if (this.#share === Number.POSITIVE_INFINITY) return;
    const saved = (this.#share * (this.#line.size > 0 ? LATE_MS : BURST_MS)) / 1000;
    this.#tokens = Math.min(Math.max(this.#tokens, saved), this.#tokens + (elapsedMs * this.#share) / 1000);
  }
}
