/** When a quota begins to count anew. */
export type QuotaWindow =
  /**
   * By the calendar of a time zone (IANA name). `anchorDay`: of a month 1 to 31 (the last day where it is shorter), of a week 1 (Monday) to 7; days and
   * hours have none.
   */
  | { readonly kind: "calendar"; readonly unit: "hour" | "day" | "week" | "month"; readonly timeZone: string; readonly anchorDay: number }
  /** The last so many days, 1 to 60, moving on by the hour. */
  | { readonly kind: "rolling"; readonly days: number }
  | { readonly kind: "lifetime" };

/** Payload bytes, both directions, TCP and UDP together, in a window. */
export interface KeyQuota {
  /** 1 to 2^53 - 1. */
  readonly bytes: number;
  readonly window: QuotaWindow;
  /** At the limit: end its sessions and refuse new ones, or go on at so many bits per second each direction. */
  readonly action: { readonly kind: "cut" } | { readonly kind: "throttle"; readonly bitsPerSecond: number };
  /** What was relayed before does not count. Undefined: the quota was never reset. */
  readonly resetAtMs?: number;
}

/** Limits of one access key, over all relays together. Absent: not limited. */
export interface KeyLimits {
  readonly quota?: KeyQuota;
  /** Payload, TCP and UDP together. */
  readonly upBitsPerSecond?: number;
  readonly downBitsPerSecond?: number;
  /** Client addresses (IPv4 addresses, IPv6 /64 networks) at a time. */
  readonly maxDevices?: number;
  /** How long an address counts after its last session; default `DEVICE_GRACE_MS`. */
  readonly deviceGraceMs?: number;
  /** TCP connections and UDP associations at a time. */
  readonly maxSessions?: number;
}

export const DEVICE_GRACE_MS = 60_000;
export const MAX_ROLLING_DAYS = 60;
