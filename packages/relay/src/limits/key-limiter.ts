import type { Clock, ErrorCode } from "@shadowfleet/runtime";
import { DEVICE_GRACE_MS, type KeyLimits, type LimitAnswer, type LimitReport } from "@shadowfleet/store";
import type { Throttles } from "@shadowfleet/transport";
import { DirectionGate } from "./direction-gate.ts";
import type { GateTimer } from "./gate-timer.ts";
import type { LimitCounts } from "./limit-counts.ts";
import type { LimitHome } from "./limit-home.ts";
import { QuotaAccount } from "./quota-account.ts";
import { type Admission, type LimitedSession, SessionPlaces } from "./session-places.ts";

export interface KeyLimiterOptions {
  readonly keyId: string;
  readonly clock: Clock;
  readonly timer: GateTimer;
  readonly counts: LimitCounts;
  readonly home: () => LimitHome | undefined;
  /** It has no limits and no session any more. */
  readonly onUnused: () => void;
}

/** A client waits for it before its target is dialled. */
const ANSWER_LIMIT_MS = 250;

/** Everything that bounds one access key on this relay. Sessions enter and leave it; bytes pass its gates. */
export class KeyLimiter implements Throttles {
  readonly keyId: string;
  readonly up: DirectionGate;
  readonly down: DirectionGate;
  readonly quota: QuotaAccount;
  readonly #options: KeyLimiterOptions;
  readonly #places: SessionPlaces;
  #limits: KeyLimits | undefined;
  /** The store has answered since the key is active: parts and leases are true. */
  #isSettled = false;
  /** Its home has it among those that report. */
  #isReporting = false;
  #settling: (() => void)[] = [];

  constructor(options: KeyLimiterOptions) {
    const { keyId, clock, timer, counts, home } = options;
    this.keyId = keyId;
    this.#options = options;
    this.quota = new QuotaAccount({ clock, counts, onShort: () => this.#urge() });
    const gate = (onPause: () => void) => new DirectionGate({ clock, timer, budget: this.quota, onPause, onSaturated: () => this.#urge() });
    this.up = gate(() => counts.pausesUp++);
    this.down = gate(() => counts.pausesDown++);
    this.#places = new SessionPlaces({
      keyId,
      clock,
      counts,
      home,
      limits: () => this.#limits,
      refusal: () => this.#refusal(),
      isSettled: () => this.#isSettled,
      settled: () => this.#settled(),
      onChange: () => this.#urge(),
    });
  }

  /** Undefined once the key has none any more; what is held then runs free. */
  get limits(): KeyLimits | undefined {
    return this.#limits;
  }

  get sessions(): number {
    return this.#places.size;
  }

  /** Has anything to tell the store now or later. */
  get isActive(): boolean {
    return (this.#limits !== undefined && this.sessions > 0) || this.quota.hasLastWords;
  }

  /** Other limits, in force at once for what is live too. Sessions beyond a smaller number go on, new ones are refused. */
  change(limits: KeyLimits | undefined): void {
    this.#limits = limits;
    this.#places.reconsider();
    this.quota.change(limits?.quota);
    this.#enforce();
    this.#urge();
  }

  /** Takes a place for a session, or refuses it. Whoever was not refused leaves in the end. */
  enter(session: LimitedSession): Admission {
    return this.#places.enter(session);
  }

  /** A session that was there before the key had limits: it counts, and is not asked for. */
  adopt(session: LimitedSession): void {
    this.#places.adopt(session);
  }

  leave(session: LimitedSession): void {
    this.#places.leave(session);
    if (this.sessions === 0 && this.#limits === undefined) this.#options.onUnused();
  }

  /** Its client's address may be another one now. A device too many ends the session, as soon as the store has said so. */
  roamed(session: LimitedSession): void {
    this.#places.roamed(session);
  }

  /**
   * Why a new session from there would be refused, as far as that is known without asking: for datagrams, each of which may want to be the first of a
   * session. Undefined: ask.
   */
  knownRefusal(clientHost: string): ErrorCode | undefined {
    return this.#places.knownRefusal(clientHost);
  }

  /** Why a datagram may not pass; undefined when it may, and is then paid for. */
  refuseDatagram(direction: "up" | "down", bytes: number, sender: object): ErrorCode | undefined {
    if (!this.quota.admitsDatagram()) return this.#isCut ? "QUOTA_EXHAUSTED" : "RATE_LIMITED";
    return this[direction].admit(bytes, sender) ? undefined : "RATE_LIMITED";
  }

  report(): LimitReport {
    const { maxDevices, deviceGraceMs = DEVICE_GRACE_MS } = this.#limits ?? {};
    const sessions = this.#limits ? this.sessions : 0;
    const up = this.up.report(sessions);
    const down = this.down.report(sessions);
    const quota = this.quota.report(this.up.rate + this.down.rate, sessions > 0, this.up.waiting + this.down.waiting);
    const devices = maxDevices === undefined ? [] : this.#places.devices;
    return { keyId: this.keyId, ...(quota && { quota }), ...(up && { up }), ...(down && { down }), sessions, devices, deviceGraceMs };
  }

  /** Takes the answer to a report; true when the store needs the base of the quota's window and a second report. */
  take(report: LimitReport, { quota, upShare, downShare }: LimitAnswer): boolean {
    if (upShare !== undefined && this.up.isLimited) this.up.share(upShare);
    if (downShare !== undefined && this.down.isLimited) this.down.share(downShare);
    const needsBase = report.quota !== undefined && quota !== undefined && this.quota.take(report.quota, quota);
    if (this.quota.isKnown && !needsBase) this.#settle(true);
    // Of the present window nothing was said yet.
    if (report.quota && report.quota.windowId !== this.quota.window?.id) this.#urge();
    this.#enforce();
    return needsBase;
  }

  /** The store does not answer: by the relay's policy what has nothing left goes on, or ends. */
  unanswered(policy: "continue" | "refuse"): void {
    this.quota.setFree(policy === "continue");
    if (policy === "continue") {
      this.up.shareAll();
      this.down.shareAll();
    } else if (this.quota.left <= 0 && !this.quota.isExhausted) this.#places.cut("LIMITS_UNCHECKED");
    this.#settle(false);
    this.#serve();
  }

  /** The store answers again. */
  answered(): void {
    this.quota.setFree(false);
  }

  /** It has left the exchange: what it holds counts for nobody, and is asked for anew when somebody comes. */
  rest(): void {
    this.#isSettled = false;
    this.#isReporting = false;
  }

  get #isCut(): boolean {
    return this.quota.isExhausted && this.quota.action?.kind === "cut";
  }

  #refusal(): ErrorCode | undefined {
    if (this.quota.roll()) this.#isSettled = false;
    if (this.#isCut) return "QUOTA_EXHAUSTED";
    const home = this.#options.home();
    if (!home?.isAway || home.whenUnavailable === "continue") return undefined;
    return this.#isSettled && this.quota.left > 0 ? undefined : "LIMITS_UNCHECKED";
  }

  async #settled(): Promise<ErrorCode | undefined> {
    const home = this.#options.home();
    if (this.#isSettled || !home) return undefined;
    this.#urge();
    if (home.isAway) this.unanswered(home.whenUnavailable);
    else await this.#answer();
    return this.#isSettled || home.whenUnavailable === "continue" ? undefined : "LIMITS_UNCHECKED";
  }

  /** Resolves when the store has answered for this key, or is known not to, or has had its time. */
  async #answer(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // Where this process was too busy to read, the answer may be here already: one more turn reads it.
    const timer = setTimeout(() => setImmediate(resolve), ANSWER_LIMIT_MS);
    this.#settling.push(resolve);
    await promise;
    clearTimeout(timer);
  }

  #settle(isSettled: boolean): void {
    if (isSettled) this.#isSettled = true;
    const waiting = this.#settling;
    this.#settling = [];
    for (const resolve of waiting) resolve();
  }

  #enforce(): void {
    const { upBitsPerSecond, downBitsPerSecond } = this.#limits ?? {};
    const { action } = this.quota;
    const most = this.quota.isExhausted && action?.kind === "throttle" ? action.bitsPerSecond : Number.POSITIVE_INFINITY;
    const isUpOther = this.up.limit(Math.min(upBitsPerSecond ?? most, most) / 8);
    const isDownOther = this.down.limit(Math.min(downBitsPerSecond ?? most, most) / 8);
    if (isUpOther || isDownOther) this.#urge();
    if (this.#isCut) this.#places.cut("QUOTA_EXHAUSTED");
    else this.#serve();
  }

  #serve(): void {
    this.up.serve();
    this.down.serve();
  }

  #urge(): void {
    const home = this.#options.home();
    if (!home || !(this.isActive || this.#isReporting)) return;
    this.#isReporting = true;
    home.urge(this);
  }
}
