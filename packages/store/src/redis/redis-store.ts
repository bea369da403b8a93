import type { Logger, Metrics } from "@shadowfleet/runtime";
import { FeedHub } from "../feed-hub.ts";
import type { FleetEvent, StoredEvent } from "../fleet-event.ts";
import type { FeedEvent, FeedSubscription, FleetCommand, FleetStore, WriteRequest, WriteResult } from "../fleet-store.ts";
import type { LimitAnswer, LimitReport, LimitUsage, SessionClaim, SessionVerdict } from "../limit-exchange.ts";
import { RecordCodec } from "../record-codec.ts";
import type { FleetState, MemberRecord, SessionRecord } from "../records.ts";
import { plainSealer, type SecretSealer } from "../secret-sealer.ts";
import type { StoreServer } from "../store-server.ts";
import type { KeyBytes, TrafficBatch, TrafficBucket, TrafficSubject, TrafficTotals } from "../traffic.ts";
import { BLOCK_MS, FeedReader } from "./feed-reader.ts";
import { DEFAULT_KEY_PREFIX, RedisKeys } from "./keys.ts";
import { newNonce, RedisConfiguration } from "./redis-configuration.ts";
import { RedisConnection } from "./redis-connection.ts";
import { RedisEvents } from "./redis-events.ts";
import { RedisLimits } from "./redis-limits.ts";
import { RedisLiveState } from "./redis-live-state.ts";
import { readServers } from "./redis-servers.ts";
import type { RedisSettings } from "./redis-settings.ts";
import { RedisTraffic } from "./redis-traffic.ts";

export interface RedisStoreOptions extends RedisSettings {
  readonly sealer?: SecretSealer;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

/**
 * The store of a real fleet: every process opens its own, all see the same. Connects in the background and for ever; calls while Redis is away
 * reject within a second. Times are the server's, so that clocks of the fleet's machines need not agree. Needs Redis 6.2 or Valkey.
 *
 * Redis replicates behind its answers: what a master acknowledged and had not passed on when it died is lost, and a hung master that comes back
 * acknowledges for some seconds what it will lose. `min-replicas-to-write 1` on the servers bounds that.
 */
export class RedisStore implements FleetStore {
  readonly #keys: RedisKeys;
  readonly #connection: RedisConnection;
  readonly #configuration: RedisConfiguration;
  readonly #traffic: RedisTraffic;
  readonly #live: RedisLiveState;
  readonly #limits: RedisLimits;
  readonly #events: RedisEvents;
  readonly #hub = new FeedHub();
  readonly #settings: RedisSettings;
  readonly #logger: Logger | undefined;
  readonly #metrics: Metrics | undefined;
  #reader: FeedReader | undefined;

  /** Throws RangeError for a key prefix that cannot be one. */
  constructor({ sealer = plainSealer, logger, metrics, ...settings }: RedisStoreOptions) {
    this.#settings = settings;
    this.#logger = logger;
    this.#metrics = metrics;
    this.#keys = new RedisKeys(settings.keyPrefix ?? DEFAULT_KEY_PREFIX);
    this.#connection = new RedisConnection({ settings, logger, metrics });
    this.#configuration = new RedisConfiguration(this.#connection, this.#keys, new RecordCodec(sealer));
    this.#traffic = new RedisTraffic(this.#connection, this.#keys);
    this.#live = new RedisLiveState(this.#connection, this.#keys);
    this.#limits = new RedisLimits(this.#connection, this.#keys);
    this.#events = new RedisEvents(this.#connection, this.#keys);
  }

  readState(): Promise<FleetState> {
    return this.#configuration.readState();
  }

  write(request: WriteRequest): Promise<WriteResult> {
    return this.#configuration.write(request);
  }

  /** Rejects when Redis does not answer now; once subscribed, outages are the reader's business. */
  async subscribe(
    after: { readonly revision: number; readonly generation: string },
    onEvent: (event: FeedEvent) => void,
  ): Promise<FeedSubscription> {
    this.#reader ??= this.#createReader();
    await this.#reader.start();
    const subscription = this.#hub.subscribe(onEvent);
    try {
      const { revision, changes } = await this.#configuration.changesSince(after);
      if (changes === undefined) subscription.begin({ type: "reset" }, revision);
      else subscription.begin(changes.length > 0 ? { type: "changes", revision, changes } : undefined, revision);
    } catch (error) {
      await subscription.close();
      throw error;
    }
    return subscription;
  }

  sendCommand(command: FleetCommand): Promise<void> {
    return this.#configuration.sendCommand(command);
  }

  applyTraffic(batch: TrafficBatch): Promise<"applied" | "duplicate"> {
    return this.#traffic.apply(batch);
  }

  readTraffic(subject: TrafficSubject): Promise<TrafficTotals> {
    return this.#traffic.read(subject);
  }

  listTraffic(afterId: string, limit: number): Promise<readonly TrafficTotals[]> {
    return this.#traffic.list(afterId, limit);
  }

  resetTraffic(keyId: string, atMs: number): Promise<TrafficTotals> {
    return this.#traffic.reset(keyId, atMs);
  }

  readBuckets(keyId: string, fromMs: number, toMs: number): Promise<readonly TrafficBucket[]> {
    return this.#traffic.readBuckets(keyId, fromMs, toMs);
  }

  readHour(hourMs: number): Promise<readonly KeyBytes[]> {
    return this.#traffic.readHour(hourMs);
  }

  closeHours(settleMs: number): Promise<number> {
    return this.#traffic.closeHours(settleMs);
  }

  restoreTraffic(totals: readonly { readonly subject: TrafficSubject; readonly totals: TrafficTotals }[]): Promise<void> {
    return this.#traffic.restore(totals);
  }

  async readFailCounts(): Promise<ReadonlyMap<string, number>> {
    const found = await this.#connection.run("HGETALL", (client) => client.hgetall(this.#keys.fails));
    return new Map(Object.entries(found).map(([id, count]) => [id, Number(count)]));
  }

  async addFailure(upstreamId: string): Promise<number> {
    return (await this.#connection.scriptOnce("addFailure", [this.#keys.fails, this.#keys.failFeed], upstreamId, newNonce())) as number;
  }

  async clearFailures(upstreamId: string): Promise<void> {
    await this.#connection.script("clearFailures", [this.#keys.fails, this.#keys.failFeed], upstreamId, newNonce());
  }

  putMember(member: MemberRecord): Promise<void> {
    return this.#live.putMember(member);
  }

  removeMember(memberId: string): Promise<void> {
    return this.#live.removeMember(memberId);
  }

  listMembers(): Promise<readonly MemberRecord[]> {
    return this.#live.listMembers();
  }

  publishSessions(memberId: string, updated: readonly SessionRecord[], closedIds: readonly string[]): Promise<void> {
    return this.#live.publishSessions(memberId, updated, closedIds);
  }

  listSessions(afterId: string, limit: number, keyId: string | undefined): Promise<readonly SessionRecord[]> {
    return this.#live.listSessions(afterId, limit, keyId);
  }

  claimSalt(scope: string, salt: Buffer, windowSeconds: number): Promise<boolean> {
    return this.#live.claimSalt(scope, salt, windowSeconds);
  }

  exchangeLimits(memberId: string, reports: readonly LimitReport[]): Promise<readonly LimitAnswer[]> {
    return this.#limits.exchange(memberId, reports);
  }

  claimSession(memberId: string, claim: SessionClaim): Promise<SessionVerdict> {
    return this.#limits.claim(memberId, claim);
  }

  readLimitUsage(keys: readonly { readonly keyId: string; readonly windowId: string }[]): Promise<readonly LimitUsage[]> {
    return this.#limits.readUsage(keys);
  }

  appendEvents(events: readonly FleetEvent[]): Promise<void> {
    return this.#events.append(events);
  }

  readEvents(afterId: string, limit: number): Promise<readonly StoredEvent[]> {
    return this.#events.read(afterId, limit);
  }

  lastEventId(): Promise<string> {
    return this.#events.lastId();
  }

  takeTurn(name: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#events.takeTurn(name, holder, ttlMs);
  }

  readNotes(scope: string): Promise<ReadonlyMap<string, string>> {
    return this.#events.readNotes(scope);
  }

  writeNotes(scope: string, notes: ReadonlyMap<string, string | undefined>): Promise<void> {
    return this.#events.writeNotes(scope, notes);
  }

  /** Asks for a key of each concern, since in a cluster each may be another server's. */
  async ping(): Promise<void> {
    const { meta, trafficMeta, members } = this.#keys;
    await this.#connection.run("EXISTS", (client) => Promise.all([meta, trafficMeta, members].map((key) => client.exists(key))));
  }

  readServers(): Promise<readonly StoreServer[]> {
    return readServers(this.#connection, this.#settings.database ?? 0);
  }

  async close(): Promise<void> {
    this.#hub.close();
    await this.#reader?.close();
    await this.#connection.close();
  }

  /** Only for processes that subscribe. */
  #createReader(): FeedReader {
    const settings = this.#settings;
    const logger = this.#logger;
    // Without the logger: the other connection tells of outages already.
    const connection = new RedisConnection({ settings, logger: undefined, metrics: this.#metrics, blockedMs: BLOCK_MS });
    return new FeedReader({ connection, keys: this.#keys, configuration: this.#configuration, hub: this.#hub, logger });
  }
}
