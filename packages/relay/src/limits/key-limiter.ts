import type { Clock, ErrorCode } from "@shadowfleet/runtime";
import { DEVICE_GRACE_MS, type KeyLimits, type LimitAnswer, type LimitReport, type SessionVerdict } from "@shadowfleet/store";
import type { Throttles } from "@shadowfleet/transport";
import { sourceNetwork } from "../source-network.ts";
import { DirectionGate } from "./direction-gate.ts";
import type { GateTimer } from "./gate-timer.ts";
import type { LimitCounts } from "./limit-counts.ts";
import type { LimitHome } from "./limit-home.ts";
import { QuotaAccount } from "./quota-account.ts";

/** A session as its key's limiter knows it. */
export interface LimitedSession {
  readonly clientHost: string;
  terminate(code: ErrorCode): void;
}

export interface KeyLimiterOptions {
  readonly keyId: string;
  readonly clock: Clock;
  readonly timer: GateTimer;
  readonly counts: LimitCounts;
  readonly home: () => LimitHome | undefined;
  /** It has no limits and no session any more. */
  readonly onUnused: () => void;
}

/** What a session is told: it may begin (undefined), why not, or either of them soon. */
export type Admission = ErrorCode | undefined | Promise<ErrorCode | undefined>;

/** A client waits for it before its target is dialled. */
const ANSWER_LIMIT_MS = 250;
/** A refused device is not asked for again with each of its datagrams. */
const TURNED_AWAY_MS = 500;
const MAX_TURNED_AWAY = 256;

const REFUSALS = { admitted: undefined, "device-limit": "DEVICE_LIMIT", "session-limit": "SESSION_LIMIT" } as const satisfies Record<
  SessionVerdict,
  ErrorCode | undefined
>;

/** Everything that bounds one access key on this relay. Sessions enter and leave it; bytes pass its gates. */
export class KeyLimiter implements Throttles {
  readonly keyId: string;
  readonly up: DirectionGate;
  readonly down: DirectionGate;
  readonly quota: QuotaAccount;
  readonly #options: KeyLimiterOptions;
  #limits: KeyLimits | undefined;
  /** Sessions and the devices they come from. */
  readonly #sessions = new Map<LimitedSession, string>();
  /** Sessions that wait to be told. */
  readonly #asking = new Set<LimitedSession>();
  /** The store has answered since the key is active: parts and leases are true. */
  #isSettled = false;
  /** Its home has it among those that report. */
  #isReporting = false;
  #settling: (() => void)[] = [];
  /** Devices that were refused lately. */
  readonly #turnedAway = new Map<string, { readonly code: ErrorCode; readonly untilMs: number }>();

  constructor(options: KeyLimiterOptions) {
    const { keyId, clock, timer, counts } = options;
    this.keyId = keyId;
    this.#options = options;
    this.quota = new QuotaAccount({ clock, counts, onShort: () => this.#urge() });
    const gate = (onPause: () => void) => new DirectionGate({ clock, timer, budget: this.quota, onPause, onSaturated: () => this.#urge() });
    this.up = gate(() => counts.pausesUp++);
    this.down = gate(() => counts.pausesDown++);
  }

  /** Undefined once the key has none any more; what is held then runs free. */
  get limits(): KeyLimits | undefined {
    return this.#limits;
  }

  get sessions(): number {
    return this.#sessions.size + this.#asking.size;
  }

  /** Has anything to tell the store now or later. */
  get isActive(): boolean {
    return (this.#limits !== undefined && this.sessions > 0) || this.quota.hasLastWords;
  }

  /** Other limits, in force at once for what is live too. Sessions beyond a smaller number go on, new ones are refused. */
  change(limits: KeyLimits | undefined): void {
    this.#limits = limits;
    this.#turnedAway.clear();
    this.quota.change(limits?.quota);
    this.#enforce();
    this.#urge();
  }

  /** Takes a place for a session, or refuses it. Whoever was not refused leaves in the end. */
  enter(session: LimitedSession): Admission {
    const refusal = this.#refusal();
    if (refusal) return this.#refused(refusal);
    const { maxDevices, maxSessions } = this.#limits ?? {};
    const device = sourceNetwork(session.clientHost);
    if (maxSessions !== undefined && this.#sessions.size >= maxSessions) return this.#refused("SESSION_LIMIT");
    const needsPlace = maxSessions !== undefined || (maxDevices !== undefined && !this.#hasDevice(device));
    if (this.#isSettled && !needsPlace) {
      this.#sessions.set(session, device);
      return undefined;
    }
    return this.#ask(session, device, needsPlace);
  }

  /**
   * Why a new session from there would be refused, as far as that is known without asking: for datagrams, each of which may want to be the first of a
   * session. Undefined: ask.
   */
  knownRefusal(clientHost: string): ErrorCode | undefined {
    const refusal = this.#refusal();
    if (refusal || this.#turnedAway.size === 0) return refusal;
    const known = this.#turnedAway.get(sourceNetwork(clientHost));
    return known && known.untilMs > this.#options.clock.monotonic() ? known.code : undefined;
  }

  leave(session: LimitedSession): void {
    this.#sessions.delete(session);
    this.#asking.delete(session);
    // Others may want its place.
    if (this.sessions === 0 || this.#limits?.maxSessions !== undefined) this.#urge();
    if (this.sessions === 0 && this.#limits === undefined) this.#options.onUnused();
  }

  /** A session that was there before the key had limits: it counts, and is not asked for. */
  adopt(session: LimitedSession): void {
    this.#sessions.set(session, sourceNetwork(session.clientHost));
    this.#urge();
  }

  /** Its client's address may be another one now. A device too many ends the session, as soon as the store has said so. */
  roamed(session: LimitedSession): void {
    const before = this.#sessions.get(session);
    const device = sourceNetwork(session.clientHost);
    if (before === undefined || before === device) return;
    const isNew = this.#limits?.maxDevices !== undefined && !this.#hasDevice(device);
    this.#sessions.set(session, device);
    if (!isNew) return;
    void this.#claim(device, false).then((refusal) => {
      if (refusal === undefined || this.#sessions.get(session) !== device) return;
      this.#options.counts.refuse(refusal);
      session.terminate(refusal);
    });
  }

  /** Why a datagram may not pass; undefined when it may, and is then paid for. */
  refuseDatagram(direction: "up" | "down", bytes: number, sender: object): ErrorCode | undefined {
    if (!this.quota.admitsDatagram()) return this.#isCut ? "QUOTA_EXHAUSTED" : "RATE_LIMITED";
    return this[direction].admit(bytes, sender) ? undefined : "RATE_LIMITED";
  }

  report(): LimitReport {
    const limits = this.#limits ?? {};
    const sessions = this.#limits ? this.sessions : 0;
    const up = this.up.report(sessions);
    const down = this.down.report(sessions);
    const quota = this.quota.report(this.up.rate + this.down.rate, sessions > 0, this.up.waiting + this.down.waiting);
    return {
      keyId: this.keyId,
      ...(quota && { quota }),
      ...(up && { up }),
      ...(down && { down }),
      sessions,
      devices: limits.maxDevices === undefined ? [] : [...new Set(this.#sessions.values())],
      deviceGraceMs: limits.deviceGraceMs ?? DEVICE_GRACE_MS,
    };
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
    } else if (this.quota.left <= 0 && !this.quota.isExhausted) this.#cut("LIMITS_UNCHECKED");
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

  #unsettledRefusal(): ErrorCode | undefined {
    return this.#isSettled || this.#options.home()?.whenUnavailable !== "refuse" ? undefined : "LIMITS_UNCHECKED";
  }

  async #ask(session: LimitedSession, device: string, needsPlace: boolean): Promise<ErrorCode | undefined> {
    const isClaimed = needsPlace ? this.#claim(device, true) : undefined;
    this.#asking.add(session);
    const [refusal] = await Promise.all([isClaimed, this.#settled()]);
    // Its client has gone meanwhile; whoever hears this knows.
    if (!this.#asking.delete(session)) return undefined;
    const final = refusal ?? this.#refusal() ?? this.#unsettledRefusal();
    if (final) {
      if (this.sessions === 0) this.#urge();
      this.#turnAway(device, final);
      return this.#refused(final);
    }
    this.#sessions.set(session, device);
    return undefined;
  }

  #turnAway(device: string, code: ErrorCode): void {
    if (this.#turnedAway.size >= MAX_TURNED_AWAY) this.#turnedAway.clear();
    this.#turnedAway.set(device, { code, untilMs: this.#options.clock.monotonic() + TURNED_AWAY_MS });
  }

  async #claim(device: string, takesSession: boolean): Promise<ErrorCode | undefined> {
    const { maxDevices, maxSessions, deviceGraceMs = DEVICE_GRACE_MS } = this.#limits ?? {};
    const home = this.#options.home();
    const verdict = await home?.claim({
      keyId: this.keyId,
      device,
      deviceGraceMs,
      ...(maxDevices === undefined ? {} : { maxDevices }),
      ...(maxSessions === undefined || !takesSession ? {} : { maxSessions }),
    });
    if (verdict === undefined || verdict === "unavailable") return home?.whenUnavailable === "refuse" ? "LIMITS_UNCHECKED" : undefined;
    return REFUSALS[verdict];
  }

  /** Resolves when the store has answered for this key, or is known not to, or has had its time. */
  async #settled(): Promise<void> {
    const home = this.#options.home();
    if (this.#isSettled || !home) return;
    this.#urge();
    if (home.isAway) {
      this.unanswered(home.whenUnavailable);
      return;
    }
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
    const isOther = [
      this.up.limit(Math.min(upBitsPerSecond ?? most, most) / 8),
      this.down.limit(Math.min(downBitsPerSecond ?? most, most) / 8),
    ];
    if (isOther.includes(true)) this.#urge();
    if (this.#isCut) this.#cut("QUOTA_EXHAUSTED");
    else this.#serve();
  }

  #serve(): void {
    this.up.serve();
    this.down.serve();
  }

  #cut(code: ErrorCode): void {
    const sessions = [...this.#sessions.keys()];
    if (sessions.length === 0) return;
    this.#sessions.clear();
    this.#options.counts.refuse(code, sessions.length);
    for (const session of sessions) session.terminate(code);
  }

  #refused(code: ErrorCode): ErrorCode {
    this.#options.counts.refuse(code);
    return code;
  }

  #hasDevice(device: string): boolean {
    for (const known of this.#sessions.values()) if (known === device) return true;
    return false;
  }

  #urge(): void {
    const home = this.#options.home();
    if (!home || !(this.isActive || this.#isReporting)) return;
    this.#isReporting = true;
    home.urge(this);
  }
}
