import { randomUUID } from "node:crypto";
import type { FeedEvent, ResourceChange, WriteRequest, WriteResult } from "../fleet-store.ts";
import type { RecordCodec } from "../record-codec.ts";
import { type FleetState, type ResourceKind, type ResourceRecords, resourceId, type Versioned } from "../records.ts";
import type { Database } from "./database.ts";
import type { EventTables } from "./event-tables.ts";

/** Changes older than so many revisions are forgotten; a subscriber further behind reads the state again. */
const KEPT_REVISIONS = 10_000;
const REQUEST_ID_TTL_MS = 86_400_000;

type ChangesEvent = Extract<FeedEvent, { type: "changes" }>;

/** Ports, access keys and upstreams with their versions, the change feed and the ids of past requests. */
export class ConfigurationTables {
  readonly #db: Database;
  readonly #codec: RecordCodec;
  readonly #events: EventTables;

  constructor(db: Database, codec: RecordCodec, events: EventTables) {
    this.#db = db;
    this.#codec = codec;
    this.#events = events;
    db.run("INSERT INTO meta VALUES ('generation', ?), ('revision', '0') ON CONFLICT DO NOTHING", randomUUID());
  }

  get revision(): number {
    return Number(this.#db.get("SELECT value FROM meta WHERE name = 'revision'")?.value);
  }

  get generation(): string {
    return String(this.#db.get("SELECT value FROM meta WHERE name = 'generation'")?.value);
  }

  readState(): FleetState {
    return {
      revision: this.revision,
      generation: this.generation,
      ports: new Map(this.#records("port").map((entry) => [entry.record.port, entry])),
      keys: new Map(this.#records("key").map((entry) => [entry.record.id, entry])),
      upstreams: new Map(this.#records("upstream").map((entry) => [entry.record.id, entry])),
    };
  }

  /** One transaction; `event` is what the feed delivers when something was written. */
  write(request: WriteRequest, nowMs: number): { readonly result: WriteResult; readonly event: ChangesEvent | undefined } {
    return this.#db.transaction(() => {
      const settled = this.#repeated(request, nowMs) ?? this.#conflict(request);
      if (settled) return { result: settled, event: undefined };
      const revision = this.revision + 1;
      const changes = [...this.#put(request, revision), ...this.#delete(request)];
      this.#db.run("UPDATE meta SET value = ? WHERE name = 'revision'", String(revision));
      this.#db.run("INSERT INTO feed VALUES (?, ?)", revision, JSON.stringify(changes.map(({ kind, id }) => [kind, id])));
      this.#db.run("DELETE FROM feed WHERE revision <= ?", revision - KEPT_REVISIONS);
      this.#remember(request, nowMs);
      this.#events.append(request.events ?? [], nowMs);
      return { result: { outcome: "written", revision }, event: { type: "changes", revision, changes } };
    });
  }

  /** What changed since `revision`, one event; undefined when that is no longer known. Records are given as they are now. */
  changesSince(revision: number): ChangesEvent | undefined {
    const newest = this.revision;
    const oldest = Number(this.#db.get("SELECT min(revision) AS oldest FROM feed")?.oldest ?? newest + 1);
    if (revision > newest || revision < oldest - 1) return undefined;
    const touched = new Map<string, ResourceChange>();
    for (const row of this.#db.all("SELECT changes FROM feed WHERE revision > ? ORDER BY revision", revision)) {
      for (const [kind, id] of JSON.parse(String(row.changes)) as [ResourceKind, string][])
        touched.set(`${kind} ${id}`, this.#change(kind, id));
    }
    return { type: "changes", revision: newest, changes: [...touched.values()] };
  }

  #change(kind: ResourceKind, id: string): ResourceChange {
    const row = this.#db.get("SELECT version, body FROM resource WHERE kind = ? AND id = ?", kind, id);
    return {
      kind,
      id,
      put: row ? { record: this.#codec.decode(kind, String(row.body)), version: Number(row.version) } : undefined,
    } as ResourceChange;
  }

  #records<K extends ResourceKind>(kind: K): Versioned<ResourceRecords[K]>[] {
    const rows = this.#db.all("SELECT version, body FROM resource WHERE kind = ? ORDER BY id", kind);
    return rows.map(({ version, body }) => ({ record: this.#codec.decode(kind, String(body)), version: Number(version) }));
  }

  #repeated({ requestId }: WriteRequest, nowMs: number): WriteResult | undefined {
    if (requestId === undefined) return undefined;
    this.#db.run("DELETE FROM request WHERE at_ms < ?", nowMs - REQUEST_ID_TTL_MS);
    const row = this.#db.get("SELECT response FROM request WHERE id = ?", requestId);
    return row && { outcome: "repeated", response: this.#codec.decodeResponse(String(row.response)) };
  }

  #remember({ requestId, response }: WriteRequest, nowMs: number): void {
    if (requestId === undefined) return;
    this.#db.run("INSERT INTO request VALUES (?, ?, ?)", requestId, this.#codec.encodeResponse(response), nowMs);
  }

  #conflict({ expect }: WriteRequest): WriteResult | undefined {
    for (const { kind, id, version } of expect) {
      const current = Number(this.#db.get("SELECT version FROM resource WHERE kind = ? AND id = ?", kind, id)?.version ?? 0);
      if (current !== version) return { outcome: "conflict", kind, id, version: current };
    }
    return undefined;
  }

  #put({ puts }: WriteRequest, version: number): ResourceChange[] {
    return puts.map((put) => {
      const id = resourceId(put);
      const body = this.#codec.encode(put.kind, put.record);
      this.#db.run(
        "INSERT INTO resource VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version, body = excluded.body",
        put.kind,
        id,
        version,
        body,
      );
      return { kind: put.kind, id, put: { record: put.record, version } } as ResourceChange;
    });
  }

  #delete({ deletes }: WriteRequest): ResourceChange[] {
    return deletes.map(({ kind, id }) => {
      this.#db.run("DELETE FROM resource WHERE kind = ? AND id = ?", kind, id);
      return { kind, id, put: undefined };
    });
  }
}
