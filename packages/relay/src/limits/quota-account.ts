import { randomUUID } from "node:crypto";
import type { Clock } from "@shadowfleet/runtime";
import { type KeyQuota, LEASE_MEMORY_MS, type QuotaAnswer, type QuotaInterval, type QuotaReport, quotaWindowAt } from "@shadowfleet/store";
import type { ByteBudget } from "./direction-gate.ts";
import type { LimitCounts } from "./limit-counts.ts";

export interface QuotaAccountOptions {
  readonly clock: Clock;
  readonly counts: LimitCounts;
  /** More is needed soon. */
  readonly onShort: () => void;
}

/** What a relay likes to hold: for so long at its present pace. */
const LEASE_SECONDS = 1.5;
/** Less is not worth a question, unless that much is not left at all. */
const SMALL_LEASE_BYTES = 64 * 1024;
/** A quiet relay keeps so much at most, and less as the quota comes to its end: others need it then. */
const QUIET_LEASE_BYTES = 256 * 1024;
const QUIET_PART = 64;
/** Of what is left of the quota a relay takes one part in so many at a time. */
const LEASE_PART = 4;
/** Datagrams cannot wait for an answer: so much passes on credit, and no more than a part of what is left. */
const CREDIT_BYTES = 64 * 1024;
const CREDIT_PART = 16;
/** A rolling window is left so much later than its hour, when the hour's last bytes have been counted in the store. */
const ROLLING_DELAY_MS = 3000;

/** A key's quota on this relay: what the fleet has leased to it, what of that is used, and in which window. */
export class QuotaAccount implements ByteBudget {
  readonly #options: QuotaAccountOptions;
  #quota: KeyQuota | undefined;
  #window: QuotaInterval | undefined;
  #leaseId = "";
  #used = 0;
  #granted = 0;
  /** Of `used`, what the store has heard of. */
  #acknowledged = 0;
  #reportedMs = 0;
  /** Of the window, by everybody, as the store knows it. */
  #usedByAll: number | undefined;
  /** Kept for a store that is emptied: what no lease stands for. */
  #settled: number | undefined;
  #base: number | undefined;
  #isExhausted = false;
  #isShort = false;
  #lowWater = 0;
  /** Nobody answers, and it goes on. */
  #isFree = false;
  /** Last words of leases of windows that are over. */
  readonly #closing: QuotaReport[] = [];

  constructor(options: QuotaAccountOptions) {
    this.#options = options;
  }

  /** The quota is used up, whatever follows from that. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  get action(): KeyQuota["action"] | undefined {
    return this.#quota?.action;
  }

  get window(): QuotaInterval | undefined {
    return this.#window;
  }

  /** Leased and not used. */
  get leased(): number {
    return Math.max(0, this.#granted - this.#used);
  }

  /** Nothing is left here, though the quota is not used up: others hold the rest, or the answer is on its way. */
  get isStarved(): boolean {
    return this.#quota !== undefined && !this.#isExhausted && this.leased === 0;
  }

  /** The store has said how much there is. */
  get isKnown(): boolean {
    return this.#quota === undefined || this.#usedByAll !== undefined;
  }

  /** Something has to be told though nothing goes on. */
  get hasLastWords(): boolean {
    return this.#closing.length > 0 || this.#used > this.#acknowledged || this.#granted > this.#used;
  }

  get left(): number {
    if (this.#quota === undefined || this.#isFree || this.#isThrottled) return Number.POSITIVE_INFINITY;
    const left = this.#granted - this.#used;
    if (left <= 0) this.#ask();
    return Math.max(0, left);
  }

  get #isThrottled(): boolean {
    return this.#isExhausted && this.#quota?.action.kind === "throttle";
  }

  spend(bytes: number): void {
    if (this.#quota === undefined) return;
    this.#used += bytes;
    const over = this.#used - this.#granted;
    if (over > -this.#lowWater) this.#ask();
    if (this.#isFree && over > 0) this.#options.counts.uncheckedBytes += Math.min(bytes, over);
  }

  /** Whether a datagram may pass. */
  admitsDatagram(): boolean {
    if (this.left > 0) return true;
    const leftOfAll = this.#leftOfAll();
    return !this.#isExhausted && this.#used - this.#granted < Math.min(CREDIT_BYTES, leftOfAll / CREDIT_PART);
  }

  change(quota: KeyQuota | undefined): void {
    if (!quota) this.#close();
    this.#quota = quota;
    if (!quota) return;
    this.roll();
    if (this.#usedByAll !== undefined) this.#isExhausted = this.#usedByAll >= quota.bytes;
  }

  /** Takes the window of this moment; true when it is another one than before. */
  roll(): boolean {
    const quota = this.#quota;
    if (!quota) return false;
    const now = this.#options.clock.now();
    const window = quotaWindowAt(quota, quota.window.kind === "rolling" ? now - ROLLING_DELAY_MS : now);
    if (window.id === this.#window?.id) return false;
    this.#close();
    this.#window = window;
    this.#leaseId = randomUUID();
    return true;
  }

  /** The store is away: `isFree` goes on without it. */
  setFree(isFree: boolean): void {
    this.#isFree = isFree;
  }

  /** Bytes of the window from before anybody leased of it. */
  foundBase(windowId: string, bytes: number): void {
    if (windowId === this.#window?.id) this.#base = bytes;
  }

  /** What to tell and to ask. `rate`: bytes per second lately. `isWanted`: there are sessions. */
  report(rate: number, isWanted: boolean, waiting: number): QuotaReport | undefined {
    this.roll();
    if (this.#closing[0]) return this.#closing[0];
    if (!this.#quota || !this.#window) return undefined;
    const now = this.#options.clock.monotonic();
    if (this.#used === this.#acknowledged && now - this.#reportedMs > LEASE_MEMORY_MS / 2) this.#takeAnotherLease();
    this.#reportedMs = now;
    const wantedBytes = isWanted ? this.#wanted(rate, waiting) : 0;
    // What is not wanted goes back with this very report.
    this.#granted = Math.min(this.#granted, this.#used + wantedBytes);
    this.#lowWater = wantedBytes / 2;
    this.#isShort = false;
    return this.#reportOf(this.#quota, this.#window, wantedBytes);
  }

  /** Takes the answer to a report; true when the store needs to know the window's base. */
  take(report: QuotaReport, answer: QuotaAnswer): boolean {
    if (report === this.#closing[0]) {
      // A window that nobody has leased of has no use for what it is told, and its bytes are in the counters.
      this.#closing.shift();
      return false;
    }
    if (report.leaseId !== this.#leaseId) return false;
    if (answer.outcome === "needs-base") return true;
    this.#acknowledged = report.usedBytes;
    this.#granted = answer.grantedBytes;
    this.#usedByAll = answer.usedBytes;
    this.#settled = answer.settledBytes;
    this.#isExhausted = this.#quota !== undefined && answer.usedBytes >= this.#quota.bytes;
    return false;
  }

  #ask(): void {
    if (this.#isShort || this.#isExhausted) return;
    this.#isShort = true;
    this.#options.onShort();
  }

  #leftOfAll(): number {
    return Math.max(0, (this.#quota?.bytes ?? 0) - (this.#usedByAll ?? 0));
  }

  #wanted(rate: number, waiting: number): number {
    const left = this.#leftOfAll();
    const demand = rate * LEASE_SECONDS + (waiting > 0 ? SMALL_LEASE_BYTES : 0);
    const quiet = Math.min(QUIET_LEASE_BYTES, left / QUIET_PART);
    const fair = Math.max(SMALL_LEASE_BYTES, left / LEASE_PART);
    return Math.ceil(Math.min(left, fair, Math.max(demand, quiet)));
  }

  #reportOf(quota: KeyQuota, window: QuotaInterval, wantedBytes: number): QuotaReport {
    const base = this.#settled ?? this.#base;
    return {
      windowId: window.id,
      limitBytes: quota.bytes,
      leaseId: this.#leaseId,
      usedBytes: this.#used,
      wantedBytes,
      forgetAtMs: window.forgetAtMs,
      ...(base === undefined ? {} : { baseBytes: base }),
    };
  }

  #takeAnotherLease(): void {
    this.#leaseId = randomUUID();
    this.#used = 0;
    this.#granted = 0;
    this.#acknowledged = 0;
  }

  /** Leaves the window: what its lease has used is still to be told. */
  #close(): void {
    if (this.#quota && this.#window && this.hasLastWords) this.#closing.push(this.#reportOf(this.#quota, this.#window, 0));
    this.#takeAnotherLease();
    this.#window = undefined;
    this.#usedByAll = undefined;
    this.#settled = undefined;
    this.#base = undefined;
    this.#isExhausted = false;
    this.#isShort = false;
  }
}
