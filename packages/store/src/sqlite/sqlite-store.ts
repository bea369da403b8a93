import { activeTraceparent, type Clock, systemClock } from "@shadowfleet/runtime";
import { MAX_FAIL_COUNT } from "../fail-counts.ts";
import { FeedHub } from "../feed-hub.ts";
import type { FleetEvent, StoredEvent } from "../fleet-event.ts";
import type { FeedEvent, FeedSubscription, FleetCommand, FleetStore, WriteRequest, WriteResult } from "../fleet-store.ts";
import type { LimitAnswer, LimitReport, LimitUsage, QuotaAnswer, SessionClaim, SessionVerdict } from "../limit-exchange.ts";
import { RecordCodec } from "../record-codec.ts";
import type { FleetState, MemberRecord, SessionRecord } from "../records.ts";
import { plainSealer, type SecretSealer } from "../secret-sealer.ts";
import type { StoreServer } from "../store-server.ts";
import type { KeyBytes, TrafficBatch, TrafficBucket, TrafficSubject, TrafficTotals } from "../traffic.ts";
import { ConfigurationTables } from "./configuration-tables.ts";
import { Database } from "./database.ts";
import { EventTables } from "./event-tables.ts";
import { LiveLimits } from "./live-limits.ts";
import { LiveState } from "./live-state.ts";
import { QuotaTable } from "./quota-table.ts";
import { TrafficTables } from "./traffic-tables.ts";

export interface SqliteStoreOptions {
  /** A file, made where there is none; `:memory:` for a store that ends with the process. */
  readonly path: string;
  readonly clock?: Clock;
  readonly sealer?: SecretSealer;
}

/** The store of a fleet that is one process: keys and traffic in one SQLite file, what is live in memory. Survives kill -9. */
export class SqliteStore implements FleetStore {
  readonly #clock: Clock;
  readonly #db: Database;
  readonly #configuration: ConfigurationTables;
  readonly #traffic: TrafficTables;
  readonly #live: LiveState;
  readonly #limits = new LiveLimits();
  readonly #quotas: QuotaTable;
  readonly #events: EventTables;
  readonly #feed = new FeedHub();
  readonly #failCounts = new Map<string, number>();

  /** Throws FleetError STORE_UNAVAILABLE when the file cannot be opened or is another process's. */
  constructor({ path, clock = systemClock, sealer = plainSealer }: SqliteStoreOptions) {
    this.#clock = clock;
    this.#db = new Database(path);
    this.#events = new EventTables(this.#db);
    this.#configuration = new ConfigurationTables(this.#db, new RecordCodec(sealer), this.#events);
    this.#quotas = new QuotaTable(this.#db);
    this.#traffic = new TrafficTables(this.#db, clock, this.#configuration.generation);
    this.#live = new LiveState(clock);
  }

  async readState(): Promise<FleetState> {
    return this.#configuration.readState();
  }

  async write(request: WriteRequest): Promise<WriteResult> {
    const { result, event } = this.#configuration.write(request, this.#clock.now());
    const traceparent = activeTraceparent();
    if (event) this.#feed.announce(traceparent === undefined ? event : { ...event, traceparents: [traceparent] });
    return result;
  }

  async subscribe(
    { revision, generation }: { readonly revision: number; readonly generation: string },
    onEvent: (event: FeedEvent) => void,
  ): Promise<FeedSubscription> {
    const missed = generation === this.#configuration.generation ? this.#configuration.changesSince(revision) : undefined;
    const subscription = this.#feed.subscribe(onEvent);
    const first: FeedEvent | undefined = missed?.changes.length === 0 ? undefined : (missed ?? { type: "reset" });
    subscription.begin(first, this.#configuration.revision);
    return subscription;
  }

  async sendCommand(command: FleetCommand): Promise<void> {
    this.#db.assertOpen();
    this.#feed.announce({ type: "command", command });
  }

  async applyTraffic(batch: TrafficBatch): Promise<"applied" | "duplicate"> {
    return this.#traffic.apply(batch);
  }

  async readTraffic(subject: TrafficSubject): Promise<TrafficTotals> {
    return this.#traffic.read(subject);
  }

  async listTraffic(afterId: string, limit: number): Promise<readonly TrafficTotals[]> {
    return this.#traffic.list(afterId, limit);
  }

  async resetTraffic(keyId: string, atMs: number): Promise<TrafficTotals> {
    return this.#traffic.reset(keyId, atMs);
  }

  async readBuckets(keyId: string, fromMs: number, toMs: number): Promise<readonly TrafficBucket[]> {
    return this.#traffic.readBuckets(keyId, fromMs, toMs);
  }

  async readHour(hourMs: number): Promise<readonly KeyBytes[]> {
    return this.#traffic.readHour(hourMs);
  }

  async closeHours(settleMs: number): Promise<number> {
    return this.#traffic.closeHours(settleMs);
  }

  async restoreTraffic(totals: readonly { readonly subject: TrafficSubject; readonly totals: TrafficTotals }[]): Promise<void> {
    this.#traffic.restore(totals);
  }

  async readFailCounts(): Promise<ReadonlyMap<string, number>> {
    this.#db.assertOpen();
    return new Map(this.#failCounts);
  }

  async addFailure(upstreamId: string): Promise<number> {
    this.#db.assertOpen();
    const count = Math.min((this.#failCounts.get(upstreamId) ?? 0) + 1, MAX_FAIL_COUNT);
    this.#failCounts.set(upstreamId, count);
    this.#feed.announce({ type: "fail-count", upstreamId, count });
    return count;
  }

  async clearFailures(upstreamId: string): Promise<void> {
    this.#db.assertOpen();
    if (this.#failCounts.delete(upstreamId)) this.#feed.announce({ type: "fail-count", upstreamId, count: 0 });
  }

  async putMember(member: MemberRecord): Promise<void> {
    this.#db.assertOpen();
    this.#live.putMember(member);
  }

  async removeMember(memberId: string): Promise<void> {
    this.#db.assertOpen();
    this.#live.removeMember(memberId);
  }

  async listMembers(): Promise<readonly MemberRecord[]> {
    this.#db.assertOpen();
    return this.#live.listMembers();
  }

  async publishSessions(memberId: string, updated: readonly SessionRecord[], closedIds: readonly string[]): Promise<void> {
    this.#db.assertOpen();
    this.#live.publishSessions(memberId, updated, closedIds);
  }

  async listSessions(afterId: string, limit: number, keyId: string | undefined): Promise<readonly SessionRecord[]> {
    this.#db.assertOpen();
    return this.#live.listSessions(afterId, limit, keyId);
  }

  async claimSalt(scope: string, salt: Buffer, windowSeconds: number): Promise<boolean> {
    this.#db.assertOpen();
    return this.#live.claimSalt(scope, salt, windowSeconds);
  }

  /** One transaction, so that a relay's tick is one write to the disk. */
  async exchangeLimits(memberId: string, reports: readonly LimitReport[]): Promise<readonly LimitAnswer[]> {
    this.#db.assertOpen();
    const nowMs = this.#clock.now();
    const quotas = this.#exchangeQuotas(reports, nowMs);
    return reports.map((report, at) => {
      const quota = quotas[at];
      const shares = this.#limits.report(memberId, report, nowMs);
      return { keyId: report.keyId, ...(quota && { quota }), ...shares, ...this.#limits.usage(report.keyId, nowMs) };
    });
  }

  async claimSession(memberId: string, claim: SessionClaim): Promise<SessionVerdict> {
    this.#db.assertOpen();
    return this.#limits.claim(memberId, claim, this.#clock.now());
  }

  async readLimitUsage(keys: readonly { readonly keyId: string; readonly windowId: string }[]): Promise<readonly LimitUsage[]> {
    this.#db.assertOpen();
    return keys.map(({ keyId, windowId }) => ({
      keyId,
      quotaUsedBytes: this.#quotas.used(keyId, windowId),
      ...this.#limits.usage(keyId, this.#clock.now()),
    }));
  }

  async appendEvents(events: readonly FleetEvent[]): Promise<void> {
    this.#db.transaction(() => this.#events.append(events, this.#clock.now()));
  }

  async readEvents(afterId: string, limit: number): Promise<readonly StoredEvent[]> {
    return this.#events.read(afterId, limit);
  }

  async lastEventId(): Promise<string> {
    return this.#events.lastId();
  }

  async takeTurn(name: string, holder: string, ttlMs: number): Promise<boolean> {
    this.#db.assertOpen();
    return this.#live.takeTurn(name, holder, ttlMs);
  }

  async readNotes(scope: string): Promise<ReadonlyMap<string, string>> {
    return this.#events.readNotes(scope);
  }

  async writeNotes(scope: string, notes: ReadonlyMap<string, string | undefined>): Promise<void> {
    this.#events.writeNotes(scope, notes);
  }

  async ping(): Promise<void> {
    this.#db.get("SELECT 1 AS alive");
  }

  async readServers(): Promise<readonly StoreServer[]> {
    return [];
  }

  async close(): Promise<void> {
    this.#feed.close();
    this.#db.close();
  }

  #exchangeQuotas(reports: readonly LimitReport[], nowMs: number): (QuotaAnswer | undefined)[] {
    if (!reports.some(({ quota }) => quota)) return [];
    try {
      return this.#db.transaction(() => reports.map(({ keyId, quota }) => quota && this.#quotas.exchange(keyId, quota, nowMs)));
    } catch (error) {
      this.#quotas.forget();
      throw error;
    }
  }
}
