import { randomInt, randomUUID } from "node:crypto";
import { activeTraceparent, FleetError } from "@shadowfleet/runtime";
import type { FleetCommand, ResourceChange, WriteRequest, WriteResult } from "../fleet-store.ts";
import type { RecordCodec } from "../record-codec.ts";
import { type FleetState, RESOURCE_KINDS, type ResourceKind, type ResourceRecords, resourceId, type Versioned } from "../records.ts";
import type { RedisKeys } from "./keys.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { eventArguments } from "./redis-events.ts";

/** Records read in one step: a few hundred microseconds of Redis's time. */
const PAGE_SIZE = 1_000;
const MAX_READ_ATTEMPTS = 5;
const MAX_NONCE = 2 ** 40;
/** Index of the first record hash among the KEYS of the scripts. */
const FIRST_HASH = 3;

export interface MissedChanges {
  readonly revision: number;
  readonly changes: readonly ResourceChange[] | undefined;
}

export const newNonce = (): number => randomInt(1, MAX_NONCE);

const hashIndex = (kind: ResourceKind): number => FIRST_HASH + RESOURCE_KINDS.indexOf(kind);

/** Ports, access keys and upstreams with their versions, and the ids of past requests. */
export class RedisConfiguration {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #codec: RecordCodec;

  constructor(connection: RedisConnection, keys: RedisKeys, codec: RecordCodec) {
    this.#connection = connection;
    this.#keys = keys;
    this.#codec = codec;
  }

  /** In pages, then brought up to the revision at the end: a hundred thousand keys never hold the server up. */
  async readState(): Promise<FleetState> {
    for (let attempt = 0; attempt < MAX_READ_ATTEMPTS; attempt++) {
      const [generation, revision] = (await this.#connection.script("readRevision", [this.#keys.meta], randomUUID())) as [string, number];
      const state = await this.#readRecords();
      const missed = await this.changesSince({ generation, revision });
      if (missed.changes === undefined) continue;
      for (const change of missed.changes) applyChange(state, change);
      return { revision: missed.revision, generation, ...state };
    }
    throw new FleetError("STORE_UNAVAILABLE", "the configuration changes faster than it can be read");
  }

  async write(request: WriteRequest): Promise<WriteResult> {
    const { requestId, expect, puts, deletes, events = [] } = request;
    const { onceKeys, fields } = eventArguments(events, this.#keys);
    const keys = [this.#keys.meta, this.#keys.feed, ...this.#hashes, this.#keys.events, ...onceKeys];
    if (requestId !== undefined) keys.push(this.#keys.request(requestId));
    const changed = [...puts.map((put) => [put.kind, resourceId(put)]), ...deletes.map(({ kind, id }) => [kind, id])];
    const reply = await this.#connection.scriptOnce(
      "writeConfiguration",
      keys,
      randomUUID(),
      newNonce(),
      this.#codec.encodeResponse(request.response),
      JSON.stringify(changed),
      [expect.length, puts.length, deletes.length, events.length, requestId === undefined ? 0 : 1],
      expect.flatMap(({ kind, id, version }) => [hashIndex(kind), id, version]),
      puts.flatMap((put) => [hashIndex(put.kind), resourceId(put), this.#codec.encode(put.kind, put.record)]),
      deletes.flatMap(({ kind, id }) => [hashIndex(kind), id]),
      fields,
      activeTraceparent() ?? "",
    );
    return this.#writeResult(reply as [string, ...unknown[]]);
  }

  async sendCommand(command: FleetCommand): Promise<void> {
    await this.#connection.scriptOnce("appendCommand", [this.#keys.meta, this.#keys.feed], randomUUID(), JSON.stringify(command));
  }

  /** Records as they are now, at the newest revision; no changes when the feed does not reach back so far. */
  async changesSince({ generation, revision }: { readonly generation: string; readonly revision: number }): Promise<MissedChanges> {
    const keys = [this.#keys.meta, this.#keys.feed, ...this.#hashes];
    const reply = await this.#connection.script("changesSince", keys, randomUUID(), generation, revision);
    const [, newest, flat] = reply as [string, number, string[] | undefined];
    if (flat === undefined) return { revision: newest, changes: undefined };
    const changes: ResourceChange[] = [];
    for (let at = 0; at < flat.length; at += 3) changes.push(this.decodeChange(flat[at] as ResourceKind, flat[at + 1]!, flat[at + 2]!));
    return { revision: newest, changes };
  }

  /** From the text kept for a record; empty or null when it is gone. Throws FleetError when a secret was sealed with another key. */
  decodeChange(kind: ResourceKind, id: string, stored: string | null): ResourceChange {
    return { kind, id, put: stored ? this.#decode(kind, stored) : undefined } as ResourceChange;
  }

  get #hashes(): string[] {
    return RESOURCE_KINDS.map((kind) => this.#keys.records[kind]);
  }

  async #readRecords(): Promise<RecordMaps> {
    const [ports, keys, upstreams] = await Promise.all([this.#scan("port"), this.#scan("key"), this.#scan("upstream")]);
    return { ports: new Map([...ports].map(([id, port]) => [Number(id), port])), keys, upstreams };
  }

  async #scan<K extends ResourceKind>(kind: K): Promise<Map<string, Versioned<ResourceRecords[K]>>> {
    const found = new Map<string, Versioned<ResourceRecords[K]>>();
    let cursor = "0";
    do {
      const from = cursor;
      const [next, flat] = await this.#connection.run("HSCAN", (client) =>
        client.hscan(this.#keys.records[kind], from, "COUNT", PAGE_SIZE),
      );
      for (let at = 0; at < flat.length; at += 2) found.set(flat[at]!, this.#decode(kind, flat[at + 1]!));
      cursor = next;
    } while (cursor !== "0");
    return found;
  }

  #decode<K extends ResourceKind>(kind: K, stored: string): Versioned<ResourceRecords[K]> {
    const space = stored.indexOf(" ");
    return { record: this.#codec.decode(kind, stored.slice(space + 1)), version: Number(stored.slice(0, space)) };
  }

  #writeResult([outcome, ...values]: [string, ...unknown[]]): WriteResult {
    if (outcome === "written") return { outcome, revision: values[0] as number };
    if (outcome === "repeated") return { outcome, response: this.#codec.decodeResponse(values[0] as string) };
    const [index, id, version] = values as [string, string, number];
    return { outcome: "conflict", kind: RESOURCE_KINDS[Number(index) - FIRST_HASH]!, id, version };
  }
}

interface RecordMaps {
  readonly ports: Map<number, Versioned<ResourceRecords["port"]>>;
  readonly keys: Map<string, Versioned<ResourceRecords["key"]>>;
  readonly upstreams: Map<string, Versioned<ResourceRecords["upstream"]>>;
}

/** Pages were read one after another: what changed meanwhile is laid over them. */
function applyChange({ ports, keys, upstreams }: RecordMaps, change: ResourceChange): void {
  if (change.kind === "port") setOrDelete(ports, Number(change.id), change.put);
  else if (change.kind === "key") setOrDelete(keys, change.id, change.put);
  else setOrDelete(upstreams, change.id, change.put);
}

function setOrDelete<I, T>(map: Map<I, T>, id: I, value: T | undefined): void {
  if (value === undefined) map.delete(id);
  else map.set(id, value);
}
