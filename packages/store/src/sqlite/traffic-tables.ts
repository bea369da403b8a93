import type { Clock } from "@shadowfleet/runtime";
import {
  type ByteCounts,
  HOUR_MS,
  KEPT_HOURS,
  type KeyBytes,
  NO_BYTES,
  SEQUENCE_TTL_MS,
  subjectName,
  type TrafficBatch,
  type TrafficBucket,
  type TrafficSubject,
  type TrafficTotals,
} from "../traffic.ts";
import { addCounts, checkCounts, countList, type SubjectSum, sumBySubject } from "../traffic-sums.ts";
import type { Database, Row } from "./database.ts";

const ADD = `
  INSERT INTO traffic (kind, id, tcp_up, tcp_down, udp_up, udp_down) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET tcp_up = tcp_up + excluded.tcp_up, tcp_down = tcp_down + excluded.tcp_down,
    udp_up = udp_up + excluded.udp_up, udp_down = udp_down + excluded.udp_down`;

const ADD_TO_BUCKET = `
  INSERT INTO bucket VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET tcp_up = tcp_up + excluded.tcp_up, tcp_down = tcp_down + excluded.tcp_down,
    udp_up = udp_up + excluded.udp_up, udp_down = udp_down + excluded.udp_down`;

const MARK = `
  UPDATE traffic SET reset_tcp_up = ?, reset_tcp_down = ?, reset_udp_up = ?, reset_udp_down = ?, reset_at_ms = ?
  WHERE kind = ? AND id = ?`;

const LIST = "SELECT * FROM traffic WHERE kind = 'key' AND id > ? AND tcp_up + tcp_down + udp_up + udp_down > 0 ORDER BY id LIMIT ?";

const CLOSED = "closed_before_ms";

const SEE = `
  INSERT INTO sequence VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET sequence = excluded.sequence, at_ms = excluded.at_ms`;

const countsOf = (row: Row, prefix: string): ByteCounts => ({
  tcpUp: Number(row[`${prefix}tcp_up`]),
  tcpDown: Number(row[`${prefix}tcp_down`]),
  udpUp: Number(row[`${prefix}udp_up`]),
  udpDown: Number(row[`${prefix}udp_down`]),
});

/** Monotonic totals by access key, port, relay and fleet, and hour buckets by access key. */
export class TrafficTables {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #generation: string;
  #prunedAtMs = Number.NEGATIVE_INFINITY;

  constructor(db: Database, clock: Clock, generation: string) {
    this.#db = db;
    this.#clock = clock;
    this.#generation = generation;
  }

  apply(batch: TrafficBatch): "applied" | "duplicate" {
    checkCounts(batch.deltas);
    const sums = sumBySubject(batch);
    return this.#db.transaction(() => {
      const { memberId, epoch, sequence } = batch;
      const last = this.#db.get("SELECT sequence FROM sequence WHERE member_id = ? AND epoch = ?", memberId, epoch);
      if (Number(last?.sequence ?? 0) >= sequence) return "duplicate";
      this.#db.run(SEE, memberId, epoch, sequence, this.#clock.now());
      this.#add(sums, batch.atMs);
      this.#prune();
      return "applied";
    });
  }

  read(subject: TrafficSubject): TrafficTotals {
    const id = subjectName(subject);
    const row = this.#db.get("SELECT * FROM traffic WHERE kind = ? AND id = ?", subject.kind, id);
    if (row) return this.#totalsOf(row);
    return { subject: id, total: NO_BYTES, resetMark: NO_BYTES, resetAtMs: undefined, generation: this.#generation };
  }

  list(afterId: string, limit: number): TrafficTotals[] {
    return this.#db.all(LIST, afterId, limit).map((row) => this.#totalsOf(row));
  }

  reset(keyId: string, atMs: number): TrafficTotals {
    return this.#db.transaction(() => {
      this.#db.run(ADD, "key", keyId, 0, 0, 0, 0);
      const { total } = this.read({ kind: "key", id: keyId });
      this.#db.run(MARK, ...countList(total), atMs, "key", keyId);
      return this.read({ kind: "key", id: keyId });
    });
  }

  readBuckets(keyId: string, fromMs: number, toMs: number): TrafficBucket[] {
    const rows = this.#db.all(
      "SELECT * FROM bucket WHERE key_id = ? AND hour_ms >= ? AND hour_ms < ? ORDER BY hour_ms",
      keyId,
      fromMs,
      toMs,
    );
    return rows.map((row) => ({ hourMs: Number(row.hour_ms), bytes: countsOf(row, "") }));
  }

  readHour(hourMs: number): KeyBytes[] {
    const rows = this.#db.all("SELECT * FROM bucket WHERE hour_ms = ? ORDER BY key_id", hourMs);
    return rows.map((row) => ({ keyId: String(row.key_id), bytes: countsOf(row, "") }));
  }

  closeHours(settleMs: number): number {
    const endMs = this.#clock.now() - settleMs;
    const beforeMs = Math.max(this.#closedBeforeMs(), endMs - (endMs % HOUR_MS));
    this.#db.run("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", CLOSED, String(beforeMs));
    return beforeMs;
  }

  restore(entries: readonly { readonly subject: TrafficSubject; readonly totals: TrafficTotals }[]): void {
    this.#db.transaction(() => {
      for (const { subject, totals } of entries) if (totals.generation !== this.#generation) this.#restoreOne(subject, totals);
    });
  }

  #restoreOne(subject: TrafficSubject, { total, resetMark, resetAtMs }: TrafficTotals): void {
    const id = subjectName(subject);
    if (this.#db.get("SELECT 1 AS known FROM restored WHERE kind = ? AND id = ?", subject.kind, id)) return;
    this.#db.run("INSERT INTO restored VALUES (?, ?)", subject.kind, id);
    const here = this.read(subject);
    this.#db.run(ADD, subject.kind, id, ...countList(total));
    // A mark set since the store was emptied is the newer one, but knew nothing of what came before.
    const mark = here.resetAtMs === undefined ? resetMark : addCounts(here.resetMark, total);
    const markedAtMs = here.resetAtMs ?? resetAtMs;
    if (markedAtMs !== undefined) this.#db.run(MARK, ...countList(mark), markedAtMs, subject.kind, id);
  }

  #add(sums: readonly SubjectSum[], atMs: number): void {
    const hourMs = Math.max(atMs - (atMs % HOUR_MS), this.#closedBeforeMs());
    for (const { subject, bytes } of sums) {
      const counts = countList(bytes);
      this.#db.run(ADD, subject.kind, subjectName(subject), ...counts);
      if (subject.kind === "key") this.#db.run(ADD_TO_BUCKET, subject.id, hourMs, ...counts);
    }
  }

  #closedBeforeMs(): number {
    return Number(this.#db.get("SELECT value FROM meta WHERE name = ?", CLOSED)?.value ?? 0);
  }

  /** By the store's own clock: a relay whose clock runs ahead must not take the others' hours away. */
  #prune(): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#prunedAtMs < HOUR_MS) return;
    this.#prunedAtMs = nowMs;
    this.#db.run("DELETE FROM bucket WHERE hour_ms < ?", nowMs - (nowMs % HOUR_MS) - KEPT_HOURS * HOUR_MS);
    this.#db.run("DELETE FROM sequence WHERE at_ms < ?", nowMs - SEQUENCE_TTL_MS);
  }

  #totalsOf(row: Row): TrafficTotals {
    return {
      subject: String(row.id),
      total: countsOf(row, ""),
      resetMark: countsOf(row, "reset_"),
      resetAtMs: row.reset_at_ms === null ? undefined : Number(row.reset_at_ms),
      generation: this.#generation,
    };
  }
}
