import { type FleetEvent, KEPT_EVENTS, ONCE_TTL_MS, type StoredEvent } from "../fleet-event.ts";
import { HOUR_MS } from "../traffic.ts";
import type { Database } from "./database.ts";

const EVENT_ID = /^\d{1,15}$/;

/** Events in the order they were written, and notes. */
export class EventTables {
  readonly #db: Database;
  #prunedAtMs = Number.NEGATIVE_INFINITY;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Within a transaction. */
  append(events: readonly FleetEvent[], nowMs: number): void {
    if (events.length === 0) return;
    this.#prune(nowMs);
    for (const event of events) {
      if (event.once !== undefined && !this.#isFirst(event.once, nowMs)) continue;
      this.#db.run("INSERT INTO event (body) VALUES (?)", JSON.stringify(event));
    }
    this.#db.run("DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", KEPT_EVENTS);
  }

  read(afterId: string, limit: number): StoredEvent[] {
    const id = EVENT_ID.test(afterId) ? Number(afterId) : 0;
    const isKept = this.#db.get("SELECT 1 AS kept FROM event WHERE id = ?", id) !== undefined;
    const rows = this.#db.all("SELECT id, body FROM event WHERE id > ? ORDER BY id LIMIT ?", isKept ? id : 0, limit);
    return rows.map(({ id, body }) => ({ ...(JSON.parse(String(body)) as FleetEvent), id: String(id) }));
  }

  lastId(): string {
    return String(this.#db.get("SELECT max(id) AS last FROM event")?.last ?? "");
  }

  readNotes(scope: string): Map<string, string> {
    const rows = this.#db.all("SELECT name, note FROM note WHERE scope = ?", scope);
    return new Map(rows.map(({ name, note }) => [String(name), String(note)]));
  }

  writeNotes(scope: string, notes: ReadonlyMap<string, string | undefined>): void {
    this.#db.transaction(() => {
      for (const [name, note] of notes) {
        if (note === undefined) this.#db.run("DELETE FROM note WHERE scope = ? AND name = ?", scope, name);
        else this.#db.run("INSERT INTO note VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET note = excluded.note", scope, name, note);
      }
    });
  }

  #isFirst(name: string, nowMs: number): boolean {
    const known = this.#db.get("SELECT at_ms FROM once WHERE name = ?", name);
    if (known && nowMs - Number(known.at_ms) < ONCE_TTL_MS) return false;
    this.#db.run("INSERT INTO once VALUES (?, ?) ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms", name, nowMs);
    return true;
  }

  #prune(nowMs: number): void {
    if (nowMs - this.#prunedAtMs < HOUR_MS) return;
    this.#prunedAtMs = nowMs;
    this.#db.run("DELETE FROM once WHERE at_ms < ?", nowMs - ONCE_TTL_MS);
  }
}
