/** What happens in a fleet and somebody may want to hear of. */
export const EVENT_TYPES = [
  "key.created",
  "key.changed",
  "key.rotated",
  "key.deleted",
  "key.expired",
  "key.quota.80",
  "key.quota.90",
  "key.quota.100",
  "key.cut",
  "upstream.down",
  "upstream.up",
  "relay.joined",
  "relay.left",
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** One event. */
export interface FleetEvent {
  readonly type: EventType;
  /** Access key, upstream or member id. */
  readonly subject: string;
  readonly atMs: number;
  /** Never a secret. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
  /** Events of the same name are kept once within 62 days, however many tell of them. Absent: every one is kept. */
  readonly once?: string;
}

/** As the store keeps it. `id` grows with every event and is unique for the store's life. */
export interface StoredEvent extends FleetEvent {
  readonly id: string;
}

/** So long a name of `once` is remembered: 62 days. */
export const ONCE_TTL_MS = 62 * 86_400_000;

/** The store keeps at least so many of the newest events. */
export const KEPT_EVENTS = 100_000;
