export { type FailCounts, MAX_FAIL_COUNT, MemoryFailCounts } from "./fail-counts.ts";
export { EVENT_TYPES, type EventType, type FleetEvent, KEPT_EVENTS, type StoredEvent } from "./fleet-event.ts";
export type {
  FeedEvent,
  FeedSubscription,
  FleetCommand,
  FleetStore,
  ResourceChange,
  WriteRequest,
  WriteResult,
} from "./fleet-store.ts";
export { DEVICE_GRACE_MS, type KeyLimits, type KeyQuota, MAX_ROLLING_DAYS, type QuotaWindow } from "./key-limits.ts";
export {
  LEASE_MEMORY_MS,
  LEASE_TTL_MS,
  LIMIT_REPORT_TTL_MS,
  type LimitAnswer,
  type LimitReport,
  type LimitUsage,
  type QuotaAnswer,
  type QuotaReport,
  type RateReport,
  type SessionClaim,
  type SessionVerdict,
} from "./limit-exchange.ts";
export { type OpenStoreDeps, openStore, type StoreConfig, storeSchema } from "./open-store.ts";
export { type QuotaInterval, quotaWindowAt, readQuotaBase } from "./quota-window.ts";
export {
  type FleetState,
  type KeyRecord,
  MEMBER_TTL_MS,
  type MemberRecord,
  type PortRecord,
  type PreviousSecret,
  RESOURCE_KINDS,
  type Resource,
  type ResourceKind,
  type ResourceRecords,
  resourceId,
  type SessionRecord,
  type UpstreamRecord,
  type Versioned,
} from "./records.ts";
export { parseRedisUrl, type RedisSettings } from "./redis/redis-settings.ts";
export { RedisStore, type RedisStoreOptions } from "./redis/redis-store.ts";
export { AesSealer, plainSealer, type SecretSealer } from "./secret-sealer.ts";
export {
  type FailCountReason,
  type OnFailCountTransition,
  SharedFailCounts,
  type SharedFailCountsOptions,
} from "./shared-fail-counts.ts";
export { SqliteStore, type SqliteStoreOptions } from "./sqlite/sqlite-store.ts";
export type { StoreServer } from "./store-server.ts";
export {
  type ByteCounts,
  HOUR_MS,
  KEPT_HOURS,
  type KeyBytes,
  NO_BYTES,
  subjectName,
  type TrafficBatch,
  type TrafficBucket,
  type TrafficDelta,
  type TrafficSubject,
  type TrafficTotals,
} from "./traffic.ts";
