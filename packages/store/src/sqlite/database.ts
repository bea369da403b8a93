import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { FleetError } from "@shadowfleet/runtime";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS resource (kind TEXT, id TEXT, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS feed (revision INTEGER PRIMARY KEY, changes TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS request (id TEXT PRIMARY KEY, response TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS traffic (
    kind TEXT, id TEXT,
    tcp_up INTEGER NOT NULL, tcp_down INTEGER NOT NULL, udp_up INTEGER NOT NULL, udp_down INTEGER NOT NULL,
    reset_tcp_up INTEGER NOT NULL DEFAULT 0, reset_tcp_down INTEGER NOT NULL DEFAULT 0,
    reset_udp_up INTEGER NOT NULL DEFAULT 0, reset_udp_down INTEGER NOT NULL DEFAULT 0,
    reset_at_ms INTEGER,
    PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sequence (
    member_id TEXT, epoch TEXT, sequence INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (member_id, epoch)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS bucket (
    key_id TEXT, hour_ms INTEGER,
    tcp_up INTEGER NOT NULL, tcp_down INTEGER NOT NULL, udp_up INTEGER NOT NULL, udp_down INTEGER NOT NULL,
    PRIMARY KEY (key_id, hour_ms)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS bucket_hour ON bucket (hour_ms);
  CREATE TABLE IF NOT EXISTS quota (
    key_id TEXT, window_id TEXT, body TEXT NOT NULL, forget_at_ms INTEGER NOT NULL, PRIMARY KEY (key_id, window_id)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS once (name TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS note (scope TEXT, name TEXT, note TEXT NOT NULL, PRIMARY KEY (scope, name)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS restored (kind TEXT, id TEXT, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
`;

export type Row = Readonly<Record<string, string | number | null>>;

const IN_MEMORY = ":memory:";
const BUSY = 5;

/** A SQLite database with prepared statements kept by their text. One process at a time: a second one is refused. */
export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** `:memory:` for one that lives and dies with this object. Throws FleetError STORE_UNAVAILABLE. */
  constructor(path: string) {
    try {
      if (path !== IN_MEMORY) makeFile(path);
      this.#db = new DatabaseSync(path, { timeout: 500 });
      // WAL and FULL: a committed write survives kill -9 and power loss. EXCLUSIVE: revisions live in one process.
      this.#db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
      this.#db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    } catch (error) {
      const { errcode, message } = error as Error & { errcode?: number };
      const reason = errcode === BUSY ? "another process has it open; give each its own file, or use Redis to share one store" : message;
      throw new FleetError("STORE_UNAVAILABLE", `the store file ${path} cannot be opened: ${reason}`, { cause: error });
    }
  }

  all(sql: string, ...values: (string | number | null)[]): Row[] {
    return this.#run(() => this.#prepare(sql).all(...values) as Row[]);
  }

  get(sql: string, ...values: (string | number | null)[]): Row | undefined {
    return this.#run(() => this.#prepare(sql).get(...values) as Row | undefined);
  }

  run(sql: string, ...values: (string | number | null)[]): void {
    this.#run(() => this.#prepare(sql).run(...values));
  }

  /** All of `work` or nothing. */
  transaction<T>(work: () => T): T {
    this.#run(() => this.#db.exec("BEGIN IMMEDIATE"));
    try {
      const result = work();
      this.#run(() => this.#db.exec("COMMIT"));
      return result;
    } catch (error) {
      // Some failures, such as a full disk, have rolled it back already.
      if (this.#db.isOpen && this.#db.isTransaction) this.#run(() => this.#db.exec("ROLLBACK"));
      throw error;
    }
  }

  /** For what needs no query: throws FleetError STORE_UNAVAILABLE after `close`. */
  assertOpen(): void {
    if (!this.#db.isOpen) throw new FleetError("STORE_UNAVAILABLE", "the store is closed");
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #run<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new FleetError("STORE_UNAVAILABLE", `the store file does not answer: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** Before SQLite does it, so that nobody else may read it: it holds secrets. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a", 0o600));
}
