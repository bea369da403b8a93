import type { FleetEvent, StoredEvent } from "./fleet-event.ts";
import type { LimitAnswer, LimitReport, LimitUsage, SessionClaim, SessionVerdict } from "./limit-exchange.ts";
import type { FleetState, MemberRecord, Resource, ResourceKind, ResourceRecords, SessionRecord, Versioned } from "./records.ts";
import type { StoreServer } from "./store-server.ts";
import type { KeyBytes, TrafficBatch, TrafficBucket, TrafficSubject, TrafficTotals } from "./traffic.ts";

/** A change of one resource, as the feed carries it. */
export type ResourceChange = {
  [K in ResourceKind]:
    | { readonly kind: K; readonly id: string; readonly put: Versioned<ResourceRecords[K]> }
    | { readonly kind: K; readonly id: string; readonly put: undefined };
}[ResourceKind];

/** An order to members that is not configuration. */
export type FleetCommand =
  | { readonly command: "terminate-session"; readonly sessionId: string }
  | { readonly command: "terminate-key"; readonly keyId: string }
  | { readonly command: "drain-member"; readonly memberId: string };

/**
 * What the feed delivers. Changes and commands come in the order they were written, fail counts among themselves too. A change's record is
 * at least as new as its revision says.
 */
export type FeedEvent =
  /**
   * The configuration revision after these changes; all of one write come together, several writes may. `traceparents`: of those writes that were
   * traced and are heard of as they happen.
   */
  | {
      readonly type: "changes";
      readonly revision: number;
      readonly changes: readonly ResourceChange[];
      readonly traceparents?: readonly string[];
    }
  | { readonly type: "command"; readonly command: FleetCommand }
  | { readonly type: "fail-count"; readonly upstreamId: string; readonly count: number }
  /** Events were lost (too far behind) or the store was emptied: read the state again. */
  | { readonly type: "reset" };

export interface FeedSubscription {
  close(): Promise<void>;
}

/** One write: all of it or nothing. */
export interface WriteRequest {
  readonly puts: readonly Resource[];
  readonly deletes: readonly { readonly kind: ResourceKind; readonly id: string }[];
  /** Each must hold: `version` is the resource's current one; 0 means that it must not exist. Resources not named are not compared. */
  readonly expect: readonly { readonly kind: ResourceKind; readonly id: string; readonly version: number }[];
  /** Remembered for a day with `response`: a second write of the same id changes nothing and returns the first one's response. Undefined: no guard. */
  readonly requestId: string | undefined;
  /** Opaque text kept for that; sealed like secrets. */
  readonly response: string;
  /** What the write means, appended to the events in the same step. */
  readonly events?: readonly FleetEvent[];
}

export type WriteResult =
  | { readonly outcome: "written"; readonly revision: number }
  /** The request id was seen before. */
  | { readonly outcome: "repeated"; readonly response: string }
  /** An expectation did not hold. `version` is the current one, 0 when it does not exist. */
  | { readonly outcome: "conflict"; readonly kind: ResourceKind; readonly id: string; readonly version: number };

/**
 * What the fleet shares. Implementations: one process's memory, a SQLite file (standalone), Redis (a real fleet); one conformance suite for
 * all. Every method rejects with FleetError STORE_UNAVAILABLE when the store does not answer; nothing is applied in part.
 */
export interface FleetStore {
  /** Everything configured at run time. */
  readState(): Promise<FleetState>;
  write(request: WriteRequest): Promise<WriteResult>;
  /**
   * Delivers the changes after the given revision of that generation, then every event from now on. A revision that is no longer known
   * gives a `reset` first; revision 0 of generation "" is never known. Events come in turns of the event loop of their own.
   */
  subscribe(
    after: { readonly revision: number; readonly generation: string },
    onEvent: (event: FeedEvent) => void,
  ): Promise<FeedSubscription>;
  sendCommand(command: FleetCommand): Promise<void>;

  /**
   * Throws RangeError when a count is not a whole number from 0 to 2^53 - 1. A store may apply a batch of thousands of keys in parts; sent
   * again after a failure, it goes on behind the last part.
   */
  applyTraffic(batch: TrafficBatch): Promise<"applied" | "duplicate">;
  /** Zero totals for a subject never heard of. */
  readTraffic(subject: TrafficSubject): Promise<TrafficTotals>;
  /** Access keys with any traffic, ordered by the bytes of their id, after `afterId` ("" for the beginning). */
  listTraffic(afterId: string, limit: number): Promise<readonly TrafficTotals[]>;
  resetTraffic(keyId: string, atMs: number): Promise<TrafficTotals>;
  /** Hours of one key in [fromMs, toMs), oldest first, empty ones left out. Buckets are kept 62 days. */
  readBuckets(keyId: string, fromMs: number, toMs: number): Promise<readonly TrafficBucket[]>;
  /** One hour of all access keys, ordered by the bytes of their id, those without traffic left out. `hourMs` is its start. */
  readHour(hourMs: number): Promise<readonly KeyBytes[]>;
  /**
   * Closes the hours that ended `settleMs` ago or earlier by the store's clock: they never change again, for a batch measured in one of them counts for
   * the first hour that is open. Returns the start of that one, which never goes back.
   */
  closeHours(settleMs: number): Promise<number>;
  /**
   * Raises totals to at least these after the store lost them: each subject's total becomes what is here plus what the store counted since it
   * was emptied. Applied at most once per subject and generation of the counters; totals of the present generation are left as they are.
   */
  restoreTraffic(totals: readonly { readonly subject: TrafficSubject; readonly totals: TrafficTotals }[]): Promise<void>;

  readFailCounts(): Promise<ReadonlyMap<string, number>>;
  /** Adds 1, at most to 30; returns the new count. Announced on the feed. */
  addFailure(upstreamId: string): Promise<number>;
  /** Back to 0. Announced on the feed when it was not 0. */
  clearFailures(upstreamId: string): Promise<void>;

  putMember(member: MemberRecord): Promise<void>;
  removeMember(memberId: string): Promise<void>;
  /** Members that reported within the last 10 s. */
  listMembers(): Promise<readonly MemberRecord[]>;

  /** What changed on one relay: sessions new or with other byte counts, and the ids of closed ones. Gone 10 s after the relay's last call. */
  publishSessions(memberId: string, updated: readonly SessionRecord[], closedIds: readonly string[]): Promise<void>;
  /** Live sessions of all relays ordered by id, after `afterId`; all keys when `keyId` is undefined. */
  listSessions(afterId: string, limit: number, keyId: string | undefined): Promise<readonly SessionRecord[]>;

  /**
   * Remembers a salt within its scope: true for one caller alone in the whole fleet, false for others until the window is over. Not tried again when
   * its answer was lost, for the second try would find the first one's trace; the salt may then be remembered or not.
   */
  claimSalt(scope: string, salt: Buffer, windowSeconds: number): Promise<boolean>;

  /**
   * One relay tells what its keys with limits do and hears what it may: leases, parts of rates, sums. Answers in the order of the reports, at most one
   * report of a key. A key that is not in a call any more counts for `LIMIT_REPORT_TTL_MS`; with 0 sessions and nothing wanted it gives everything
   * back at once. Sending a call again is safe. `memberId`: workers of one relay report each by a name of their own.
   */
  exchangeLimits(memberId: string, reports: readonly LimitReport[]): Promise<readonly LimitAnswer[]>;
  /**
   * Takes a place for one session of a key, or says which limit is reached; of two claims for the last place one gets it. The place counts until the
   * relay's next report, which has to contain the session. Not tried again when its answer was lost.
   */
  claimSession(memberId: string, claim: SessionClaim): Promise<SessionVerdict>;
  /** What is used of limits, in the order asked for; `windowId` "" for keys without a quota. */
  readLimitUsage(keys: readonly { readonly keyId: string; readonly windowId: string }[]): Promise<readonly LimitUsage[]>;

  appendEvents(events: readonly FleetEvent[]): Promise<void>;
  /** Oldest first, those after the given id ("" for the oldest kept); an id that is gone gives the oldest kept. */
  readEvents(afterId: string, limit: number): Promise<readonly StoredEvent[]>;
  /** "" when there never was one. */
  lastEventId(): Promise<string>;
  /** Whether `holder` may act under this name until the time is over: one at a time may, and who has the turn keeps it by asking again. */
  takeTurn(name: string, holder: string, ttlMs: number): Promise<boolean>;
  /** Small texts by name that outlive processes: where a webhook is, what was last seen of an upstream. */
  readNotes(scope: string): Promise<ReadonlyMap<string, string>>;
  /** Undefined removes. */
  writeNotes(scope: string, notes: ReadonlyMap<string, string | undefined>): Promise<void>;

  /** Answers within a second or rejects. */
  ping(): Promise<void>;
  /** The servers the state is kept on; none where that is this process. */
  readServers(): Promise<readonly StoreServer[]>;
  close(): Promise<void>;
}
