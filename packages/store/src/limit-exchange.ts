/** What a relay tells of a key's quota and asks for. All bytes are payload, both directions, TCP and UDP. */
export interface QuotaReport {
  /** Names the window (`quotaWindowAt`); usage of different windows never mixes. */
  readonly windowId: string;
  /** The quota as this relay knows it. */
  readonly limitBytes: number;
  /**
   * One relay process and window has one. A relay that has not reported it for `LEASE_MEMORY_MS / 2` takes another, for the store may have forgotten
   * that this one's use was counted.
   */
  readonly leaseId: string;
  /** Relayed under this lease since it began; never less than before. Sending it again is safe. */
  readonly usedBytes: number;
  /** How much more it would like to hold; what it holds and does not want any more goes back: from now on it may use `usedBytes` and so much at most. */
  readonly wantedBytes: number;
  /**
   * Bytes of the window from before anybody leased of it, where this relay has looked them up (`readQuotaBase`); used by the first lease of a window
   * only. A relay that has heard `settledBytes` of this window gives those instead: the store was emptied.
   */
  readonly baseBytes?: number;
  /** When the store may forget the window, milliseconds since 1970: some time after its end. */
  readonly forgetAtMs: number;
}

export type QuotaAnswer =
  /** Nobody has leased of the window yet: ask again with `baseBytes`. */
  | { readonly outcome: "needs-base" }
  | {
      readonly outcome: "leased";
      /** How far this lease may go: `usedBytes` plus what it may still relay. Over all leases of a window this sums up to the limit at most. */
      readonly grantedBytes: number;
      /** Relayed in the window by everybody, as far as reported. */
      readonly usedBytes: number;
      /** Of these, what no live lease stands for. */
      readonly settledBytes: number;
    };

/** One direction of a key on one relay. Bytes per second of payload. Without `sessions` it holds no part. */
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
  /**
   * Sessions of this relay, each counted from the moment it is claimed, and the client addresses they come from (as `sourceNetwork` of packages/relay
   * names them; none where the key's devices are not limited).
   */
  readonly sessions: number;
  readonly devices: readonly string[];
  /** How long an address counts after it was last reported; `LIMIT_REPORT_TTL_MS` at least. */
  readonly deviceGraceMs: number;
}

export interface LimitAnswer {
  readonly keyId: string;
  readonly quota?: QuotaAnswer;
  /**
   * This relay's part of the rate in bytes per second. The parts that relays hold at any moment sum up to the limit at most: a part grows only by what
   * others have given up. Relays that are saturated share by sessions what the others leave. A newcomer gets a small part at once, from a reserve.
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
/** A lease that was silent so long is closed: what it was granted counts as used. When it is heard of again, what it has used counts instead. */
export const LEASE_TTL_MS = 60_000;
/** So long the store knows what a closed lease was counted with. */
export const LEASE_MEMORY_MS = 2 * 86_400_000;
