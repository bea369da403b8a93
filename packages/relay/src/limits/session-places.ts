import type { Clock, ErrorCode } from "@shadowfleet/runtime";
import { DEVICE_GRACE_MS, type KeyLimits, type SessionVerdict } from "@shadowfleet/store";
import { sourceNetwork } from "../source-network.ts";
import type { LimitCounts } from "./limit-counts.ts";
import type { LimitHome } from "./limit-home.ts";

/** A session as its key's limiter knows it. */
export interface LimitedSession {
  readonly clientHost: string;
  terminate(code: ErrorCode): void;
}

/** What a session is told: it may begin (undefined), why not, or either of them soon. */
export type Admission = ErrorCode | undefined | Promise<ErrorCode | undefined>;

export interface SessionPlacesOptions {
  readonly keyId: string;
  readonly clock: Clock;
  readonly counts: LimitCounts;
  readonly home: () => LimitHome | undefined;
  readonly limits: () => KeyLimits | undefined;
  /** Why no session may begin now, as far as this relay knows. */
  readonly refusal: () => ErrorCode | undefined;
  /** Parts and leases of the key are true. */
  readonly isSettled: () => boolean;
  /** Resolves when they are, or when nobody can say; then with why a session may not begin for that. */
  readonly settled: () => Promise<ErrorCode | undefined>;
  /** Somebody came or left, and the store should know soon. */
  readonly onChange: () => void;
}

/** A refused device is not asked for again with each of its datagrams. */
const TURNED_AWAY_MS = 500;
const MAX_TURNED_AWAY = 256;

const REFUSALS = { admitted: undefined, "device-limit": "DEVICE_LIMIT", "session-limit": "SESSION_LIMIT" } as const satisfies Record<
  SessionVerdict,
  ErrorCode | undefined
>;

/** The sessions of one key on this relay, and the devices they come from. */
export class SessionPlaces {
  readonly #options: SessionPlacesOptions;
  /** Sessions and their devices. */
  readonly #sessions = new Map<LimitedSession, string>();
  /** Sessions that wait to be told. */
  readonly #asking = new Set<LimitedSession>();
  /** Devices that were refused lately. */
  readonly #turnedAway = new Map<string, { readonly code: ErrorCode; readonly untilMs: number }>();

  constructor(options: SessionPlacesOptions) {
    this.#options = options;
  }

  /** Those that wait to be told count from the moment they ask. */
  get size(): number {
    return this.#sessions.size + this.#asking.size;
  }

  get devices(): readonly string[] {
    return [...new Set(this.#sessions.values())];
  }

  enter(session: LimitedSession): Admission {
    const refusal = this.#options.refusal();
    if (refusal) return this.#refused(refusal);
    const { maxDevices, maxSessions } = this.#options.limits() ?? {};
    const device = sourceNetwork(session.clientHost);
    if (maxSessions !== undefined && this.#sessions.size >= maxSessions) return this.#refused("SESSION_LIMIT");
    const needsPlace = maxSessions !== undefined || (maxDevices !== undefined && !this.#has(device));
    if (needsPlace || !this.#options.isSettled()) return this.#ask(session, device, needsPlace);
    this.#sessions.set(session, device);
    return undefined;
  }

  adopt(session: LimitedSession): void {
    this.#sessions.set(session, sourceNetwork(session.clientHost));
    this.#options.onChange();
  }

  leave(session: LimitedSession): void {
    this.#sessions.delete(session);
    this.#asking.delete(session);
    // Others may want its place.
    if (this.size === 0 || this.#options.limits()?.maxSessions !== undefined) this.#options.onChange();
  }

  roamed(session: LimitedSession): void {
    const before = this.#sessions.get(session);
    const device = sourceNetwork(session.clientHost);
    if (before === undefined || before === device) return;
    const isNew = this.#options.limits()?.maxDevices !== undefined && !this.#has(device);
    this.#sessions.set(session, device);
    if (!isNew) return;
    void this.#claim(device, false).then((refusal) => {
      if (refusal === undefined || this.#sessions.get(session) !== device) return;
      this.#options.counts.refuse(refusal);
      session.terminate(refusal);
    });
  }

  knownRefusal(clientHost: string): ErrorCode | undefined {
    const refusal = this.#options.refusal();
    if (refusal || this.#turnedAway.size === 0) return refusal;
    const known = this.#turnedAway.get(sourceNetwork(clientHost));
    return known && known.untilMs > this.#options.clock.monotonic() ? known.code : undefined;
  }

  /** Whoever was refused lately may ask anew. */
  reconsider(): void {
    this.#turnedAway.clear();
  }

  /** Ends all of them. */
  cut(code: ErrorCode): void {
    const sessions = [...this.#sessions.keys()];
    if (sessions.length === 0) return;
    this.#sessions.clear();
    this.#options.counts.refuse(code, sessions.length);
    for (const session of sessions) session.terminate(code);
  }

  async #ask(session: LimitedSession, device: string, needsPlace: boolean): Promise<ErrorCode | undefined> {
    // The store takes both in this order: the report that follows the claim contains the session.
    const claim = needsPlace ? this.#claim(device, true) : undefined;
    this.#asking.add(session);
    const [refused, unsettled] = await Promise.all([claim, this.#options.settled()]);
    // Its client has gone meanwhile; whoever hears this knows.
    if (!this.#asking.delete(session)) return undefined;
    const refusal = refused ?? unsettled ?? this.#options.refusal();
    if (refusal === undefined) {
      this.#sessions.set(session, device);
      return undefined;
    }
    if (this.size === 0) this.#options.onChange();
    this.#turnAway(device, refusal);
    return this.#refused(refusal);
  }

  async #claim(device: string, takesSession: boolean): Promise<ErrorCode | undefined> {
    const { maxDevices, maxSessions, deviceGraceMs = DEVICE_GRACE_MS } = this.#options.limits() ?? {};
    const home = this.#options.home();
    const verdict = await home?.claim({
      keyId: this.#options.keyId,
      device,
      deviceGraceMs,
      ...(maxDevices === undefined ? {} : { maxDevices }),
      ...(maxSessions === undefined || !takesSession ? {} : { maxSessions }),
    });
    if (verdict === undefined || verdict === "unavailable") return home?.whenUnavailable === "refuse" ? "LIMITS_UNCHECKED" : undefined;
    return REFUSALS[verdict];
  }

  #turnAway(device: string, code: ErrorCode): void {
    if (this.#turnedAway.size >= MAX_TURNED_AWAY) this.#turnedAway.clear();
    this.#turnedAway.set(device, { code, untilMs: this.#options.clock.monotonic() + TURNED_AWAY_MS });
  }

  #refused(code: ErrorCode): ErrorCode {
    this.#options.counts.refuse(code);
    return code;
  }

  #has(device: string): boolean {
    for (const known of this.#sessions.values()) if (known === device) return true;
    return false;
  }
}
