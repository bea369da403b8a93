/** What a relay tells of a key's quota and asks for. All bytes are payload, both directions, TCP and UDP. */
export interface QuotaReport {
  /** Names the window (`quotaWindowAt`); usage of different windows never mixes. */
  readonly windowId: string;
  /** The quota as this relay knows it. */
  readonly limitBytes: number;
  /** One relay process and window has one; a relay takes another one when it was told `lease-lost`. */
  readonly leaseId: string;
  /** Relayed under this lease since it began; never less than before. Sending it again is safe. */
  readonly usedBytes: number;
  /** How much more it would like to hold; what it holds and does not want any more goes back. */
  readonly wantedBytes: number;
  /** Bytes of the window from before anybody leased of it, where this relay has looked them up; used by the first lease of a window only. */
  readonly baseBytes?: number;
  /** When the store may forget the window, milliseconds since 1970: some time after its end. */
  readonly forgetAtMs: number;
}

export type QuotaAnswer =
  /** Nobody has leased of the window yet: ask again with `baseBytes`. */
  | { readonly outcome: "needs-base" }
  /** The store has forgotten this lease (it was silent too long, or the store was emptied) but not the window: count what was not acknowledged under a new one. */
  | { readonly outcome: "lease-lost" }
  | {
      readonly outcome: "leased";
      /** How far this lease may go: `usedBytes` plus what it may still relay. Over all leases of a window this sums up to the limit at most. */
      readonly grantedBytes: number;
      /** Relayed in the window by everybody, as far as reported. */
      readonly usedBytes: number;
    };

/** One direction of a key on one relay. Bytes per second of payload. */
export interface RateReport {
  /** The key's rate, for all relays together. */
  readonly limit: number;
  /** What moved lately. */
  readonly moved: number;
  /** Somebody had to wait or was dropped: more would move if it could. */
  readonly isSaturated: boolean;
  /** How many sessions want a part. */
  readonly sessions: number;
}

export interface LimitReport {
  readonly keyId: string;
  readonly quota?: QuotaReport;
  readonly up?: RateReport;
  readonly down?: RateReport;
  /** Live sessions of this relay, and the client addresses they come from (as `deviceOf` names them). */
  readonly sessions: number;
  readonly devices: readonly string[];
  /** How long an address counts after it was last reported. */
  readonly deviceGraceMs: number;
}

export interface LimitAnswer {
  readonly keyId: string;
  readonly quota?: QuotaAnswer;
  /**
   * This relay's part of the rate in bytes per second. The parts that relays hold at any moment sum up to the limit at most: a part grows only by what
   * others have given up. Relays that are saturated share by sessions what the others leave; none gets nothing.
   */
  readonly upShare?: number;
  readonly downShare?: number;
  /** Over all relays. */
  readonly sessions: number;
  readonly devices: number;
}

/** A session that wants to begin. */
export interface SessionClaim {
  readonly keyId: string;
  readonly device: string;
  readonly maxDevices?: number;
  readonly deviceGraceMs: number;
  readonly maxSessions?: number;
}

export type SessionVerdict = "admitted" | "device-limit" | "session-limit";

/** What of a key's limits is used, for those who look. */
export interface LimitUsage {
  readonly keyId: string;
  /** Of the window asked for; undefined when nobody has leased of it. */
  readonly quotaUsedBytes: number | undefined;
  readonly sessions: number;
  readonly devices: number;
}

/** A relay's reports count so long after its last call. Longer than several ticks, shorter than people notice. */
export const LIMIT_REPORT_TTL_MS = 5_000;
/** A lease that was silent so long is closed: what it had not reported as used is counted as used. */
export const LEASE_TTL_MS = 60_000;
