import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@shadowfleet/runtime";
import type { FeedHub } from "../feed-hub.ts";
import type { FleetCommand, ResourceChange } from "../fleet-store.ts";
import type { ResourceKind } from "../records.ts";
import { retryDelayMs } from "../retry-delay.ts";
import { changedIds, entryField, type FeedEntry, numberOf } from "./feed-entry.ts";
import type { RedisKeys } from "./keys.ts";
import type { RedisClient } from "./redis-client.ts";
import type { RedisConfiguration } from "./redis-configuration.ts";
import { CALL_DEADLINE_MS, type RedisConnection } from "./redis-connection.ts";

/** How long one read waits for entries; after it the position is checked, which finds a store that was emptied in silence. */
export const BLOCK_MS = 2_000;
const READ_DEADLINE_MS = BLOCK_MS + CALL_DEADLINE_MS;
/** Entries taken at once. */
const MAX_ENTRIES = 500;

interface Position {
  readonly generation: string;
  readonly feedId: string;
  readonly failFeedId: string;
}

export interface FeedReaderOptions {
  /** Its own: a blocked read holds up everything behind it. */
  readonly connection: RedisConnection;
  readonly keys: RedisKeys;
  readonly configuration: RedisConfiguration;
  readonly hub: FeedHub;
  readonly logger: Logger | undefined;
}

/**
 * Follows both streams with one blocking read and announces what they say. Through short outages it goes on from the last entry seen; what it
 * cannot have seen it makes good: by `reset` for the feed, by reading the counts anew for failCnt.
 */
export class FeedReader {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #configuration: RedisConfiguration;
  readonly #hub: FeedHub;
  readonly #logger: Logger | undefined;
  readonly #closing = new AbortController();
  #starting: Promise<void> | undefined;
  #position: Position | undefined;
  #failCounts = new Map<string, number>();

  constructor({ connection, keys, configuration, hub, logger }: FeedReaderOptions) {
    this.#connection = connection;
    this.#keys = keys;
    this.#configuration = configuration;
    this.#hub = hub;
    this.#logger = logger;
  }

  /** Resolves once everything written from now on will be announced. Rejects with STORE_UNAVAILABLE, and may be called again. */
  async start(): Promise<void> {
    this.#starting ??= this.#begin();
    try {
      await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection.close();
  }

  async #begin(): Promise<void> {
    await this.#checkPosition();
    void this.#follow();
  }

  async #follow(): Promise<void> {
    for (let failures = 0; !this.#closing.signal.aborted; ) {
      try {
        if (failures > 0) await this.#checkPosition();
        failures = 0;
        while (await this.#readOnce());
        await this.#checkPosition();
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#logger?.debug({ reason: (error as Error).message }, "the feed is interrupted");
        this.#connection.drop();
        await sleep(retryDelayMs(++failures), undefined, { signal: this.#closing.signal }).catch(() => {});
      }
    }
  }

  async #checkPosition(): Promise<void> {
    const { generation = "", feedId = "", failFeedId = "" } = this.#position ?? {};
    const keys = [this.#keys.meta, this.#keys.feed, this.#keys.failFeed];
    const reply = await this.#connection.script("feedPosition", keys, randomUUID(), generation, feedId, failFeedId);
    const [newGeneration, , lastFeedId, lastFailFeedId, goesOn, failsGoOn] = reply as [string, number, string, string, number, number];
    // Counts are read behind the position from which they are followed, so that none falls between.
    if (this.#position === undefined || !failsGoOn) await this.#readFailCounts(this.#position !== undefined);
    const next = {
      generation: newGeneration,
      feedId: feedId !== "" && goesOn ? feedId : lastFeedId,
      failFeedId: failFeedId !== "" && failsGoOn ? failFeedId : lastFailFeedId,
    };
    const isLost = this.#position !== undefined && !goesOn;
    this.#position = next;
    if (isLost) this.#reset("the store was emptied, or has lost or trimmed entries");
  }

  async #readFailCounts(isAnnounced: boolean): Promise<void> {
    const found = await this.#connection.run("HGETALL", (client) => client.hgetall(this.#keys.fails));
    const counts = new Map(Object.entries(found).map(([id, count]) => [id, Number(count)]));
    for (const id of isAnnounced ? new Set([...counts.keys(), ...this.#failCounts.keys()]) : []) {
      const count = counts.get(id) ?? 0;
      if (count !== (this.#failCounts.get(id) ?? 0)) this.#hub.announce({ type: "fail-count", upstreamId: id, count });
    }
    this.#failCounts = counts;
  }

  /** False when nothing came for a while. */
  async #readOnce(): Promise<boolean> {
    const { feedId, failFeedId } = this.#position!;
    const streams = [this.#keys.feed, this.#keys.failFeed, feedId, failFeedId] as const;
    const read = (client: RedisClient) => client.xread("COUNT", MAX_ENTRIES, "BLOCK", BLOCK_MS, "STREAMS", ...streams);
    const reply = await this.#connection.run("XREAD", read, { deadlineMs: READ_DEADLINE_MS, once: true, waits: true });
    for (const [stream, pairs] of reply ?? []) {
      const entries = pairs.map(([id, fields]) => ({ id, fields }));
      if (stream === this.#keys.feed) await this.#takeFeed(entries);
      else await this.#takeFailCounts(entries);
    }
    return reply !== null;
  }

  async #takeFeed(entries: readonly FeedEntry[]): Promise<void> {
    const stored = await this.#fetch(entries.flatMap(changedIds));
    const last = entries.at(-1)!.id;
    try {
      this.#announceFeed(entries, stored);
    } catch (error) {
      // What cannot be opened here stays unread; who reads the state is told why.
      this.#reset((error as Error).message);
    }
    this.#position = { ...this.#position!, feedId: last };
  }

  #announceFeed(entries: readonly FeedEntry[], stored: ReadonlyMap<string, string | null>): void {
    let changes = new Map<string, ResourceChange>();
    let traceparents: string[] = [];
    let revision: number | undefined;
    let previous = this.#position!.feedId;
    const flush = (): void => {
      const traced = traceparents.length > 0 ? { traceparents } : {};
      if (revision !== undefined) this.#hub.announce({ type: "changes", revision, changes: [...changes.values()], ...traced });
      changes = new Map();
      traceparents = [];
      revision = undefined;
    };
    for (const entry of entries) {
      if (entryField(entry, "previous") !== previous) {
        flush();
        this.#reset("entries of the feed are missing");
      }
      previous = entry.id;
      const command = entryField(entry, "command");
      if (command === undefined) {
        revision = numberOf(entry.id);
        const traceparent = entryField(entry, "traceparent");
        if (traceparent !== undefined) traceparents.push(traceparent);
        for (const [kind, id] of changedIds(entry)) {
          const name = `${kind} ${id}`;
          changes.set(name, this.#configuration.decodeChange(kind, id, stored.get(name) ?? null));
        }
      } else {
        flush();
        this.#hub.announce({ type: "command", command: JSON.parse(command) as FleetCommand });
      }
    }
    flush();
  }

  async #takeFailCounts(entries: readonly FeedEntry[]): Promise<void> {
    let previous = this.#position!.failFeedId;
    for (const entry of entries) {
      const isNext = entryField(entry, "previous") === previous;
      previous = entry.id;
      this.#position = { ...this.#position!, failFeedId: previous };
      if (!isNext) {
        // The counts as they are now; what the following entries say is in them, and is said again.
        await this.#readFailCounts(true);
        continue;
      }
      const upstreamId = entryField(entry, "upstream")!;
      const count = Number(entryField(entry, "count"));
      this.#failCounts.set(upstreamId, count);
      this.#hub.announce({ type: "fail-count", upstreamId, count });
    }
  }

  /** From the server that named the ids, hence over this connection: another one may lead to a replica that has not heard of them. */
  async #fetch(ids: readonly (readonly [ResourceKind, string])[]): Promise<Map<string, string | null>> {
    const found = new Map<string, string | null>();
    for (const [kind, pairs] of Map.groupBy(ids, ([kind]) => kind)) {
      const unique = [...new Set(pairs.map(([, id]) => id))];
      const texts = await this.#connection.run("HMGET", (client) => client.hmget(this.#keys.records[kind], ...unique), { once: true });
      for (const [at, id] of unique.entries()) found.set(`${kind} ${id}`, texts[at] ?? null);
    }
    return found;
  }

  #reset(reason: string): void {
    this.#logger?.warn({ code: "STORE_UNAVAILABLE", reason }, "the change feed begins anew");
    this.#hub.announce({ type: "reset" });
  }
}
