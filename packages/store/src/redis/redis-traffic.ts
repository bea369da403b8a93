import { randomUUID } from "node:crypto";
import {
  type ByteCounts,
  HOUR_MS,
  KEPT_HOURS,
  type KeyBytes,
  subjectName,
  type TrafficBatch,
  type TrafficBucket,
  type TrafficSubject,
  type TrafficTotals,
} from "../traffic.ts";
import { checkCounts, countList, sumBySubject } from "../traffic-sums.ts";
import { type RedisKeys, subjectField } from "./keys.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** Deltas of one script. Measured: about 10 µs of the server's time each, so 10 ms during which nobody else is served. */
const MAX_DELTAS = 1_000;
const MAX_SUBJECTS = 500;
/** Fields of one step through an hour. */
const SCAN_COUNT = 4_000;
const COUNTERS = ["tu", "td", "uu", "ud"] as const;
/** Four counts and the mark. */
const FIELDS_OF_TOTALS = COUNTERS.length + 1;

const countsOf = (texts: readonly (string | null | undefined)[]): ByteCounts => ({
  tcpUp: Number(texts[0] ?? 0),
  tcpDown: Number(texts[1] ?? 0),
  udpUp: Number(texts[2] ?? 0),
  udpDown: Number(texts[3] ?? 0),
});

/** Monotonic totals by access key, port, relay and fleet, and hour buckets by access key. */
export class RedisTraffic {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;

  constructor(connection: RedisConnection, keys: RedisKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  /**
   * Large batches go in parts, each one script, so that nobody else waits long for the server. What the script remembers of a sequence is how
   * far it got: a batch sent again, even by two callers at once, goes on there.
   */
  async apply(batch: TrafficBatch): Promise<"applied" | "duplicate"> {
    checkCounts(batch.deltas);
    const { length } = batch.deltas;
    let hourMs = batch.atMs - (batch.atMs % HOUR_MS);
    for (let offset = 0; ; ) {
      const next = offset + MAX_DELTAS < length ? offset + MAX_DELTAS : "all";
      const reply = await this.#applyPart(batch, hourMs, offset, next);
      const [, openMs] = /^closed:(\d+)$/.exec(reply) ?? [];
      if (reply === "duplicate") return reply;
      if (openMs !== undefined) hourMs = Number(openMs);
      else if (reply !== "applied") offset = Number(reply);
      else if (next === "all") return reply;
      else offset = next;
    }
  }

  async read(subject: TrafficSubject): Promise<TrafficTotals> {
    const [totals] = await this.#readSubjects([subject]);
    return totals!;
  }

  async list(afterId: string, limit: number): Promise<TrafficTotals[]> {
    const from = afterId === "" ? "-" : `(${afterId}`;
    const ids = await this.#connection.run("ZRANGE", (client) => client.zrange(this.#keys.keyIds, from, "+", "BYLEX", "LIMIT", 0, limit));
    const subjects = ids.map((id) => ({ kind: "key", id }) as const);
    const pages: Promise<TrafficTotals[]>[] = [];
    for (let at = 0; at < subjects.length; at += MAX_SUBJECTS) pages.push(this.#readSubjects(subjects.slice(at, at + MAX_SUBJECTS)));
    return (await Promise.all(pages)).flat();
  }

  async reset(keyId: string, atMs: number): Promise<TrafficTotals> {
    const subject = { kind: "key", id: keyId } as const;
    await this.#connection.script("resetTraffic", [this.#keys.totals, this.#keys.marks], subjectField(subject), atMs);
    return this.read(subject);
  }

  async readBuckets(keyId: string, fromMs: number, toMs: number): Promise<TrafficBucket[]> {
    const newestMs = Date.now() + HOUR_MS;
    const hours: number[] = [];
    // Only hours that can be there: the range asked for may be all of time.
    const firstMs = Math.max(fromMs, newestMs - (KEPT_HOURS + 2) * HOUR_MS, 0);
    for (let hourMs = Math.ceil(firstMs / HOUR_MS) * HOUR_MS; hourMs < Math.min(toMs, newestMs); hourMs += HOUR_MS) hours.push(hourMs);
    const fields = COUNTERS.map((counter) => `${keyId}:${counter}`);
    const found = await this.#connection.run("HMGET", (client) =>
      Promise.all(hours.map((hourMs) => client.hmget(this.#keys.hour(hourMs), ...fields))),
    );
    return hours.flatMap((hourMs, at) => (found[at]!.some((text) => text !== null) ? [{ hourMs, bytes: countsOf(found[at]!) }] : []));
  }

  /** In steps, since an hour may have very many fields. */
  async readHour(hourMs: number): Promise<KeyBytes[]> {
    const found = new Map<string, (string | undefined)[]>();
    let cursor = "0";
    do {
      const [next, text] = (await this.#connection.script("scanHour", [this.#keys.hour(hourMs)], cursor, SCAN_COUNT)) as [string, string];
      cursor = next;
      const fields = text === "" ? [] : text.split("\n");
      for (let index = 0; index < fields.length; index += 2) {
        const field = fields[index]!;
        const colon = field.lastIndexOf(":");
        const keyId = field.slice(0, colon);
        const counts = found.get(keyId) ?? [];
        found.set(keyId, counts);
        counts[COUNTERS.indexOf(field.slice(colon + 1) as (typeof COUNTERS)[number])] = fields[index + 1];
      }
    } while (cursor !== "0");
    return [...found].map(([keyId, texts]) => ({ keyId, bytes: countsOf(texts) })).sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
  }

  async closeHours(settleMs: number): Promise<number> {
    return Number(await this.#connection.script("closeHours", [this.#keys.trafficMeta], settleMs));
  }

  async restore(entries: readonly { readonly subject: TrafficSubject; readonly totals: TrafficTotals }[]): Promise<void> {
    const { trafficMeta, totals, marks, keyIds, restored } = this.#keys;
    for (let at = 0; at < entries.length; at += MAX_SUBJECTS) {
      const fields = entries
        .slice(at, at + MAX_SUBJECTS)
        .flatMap(({ subject, totals: known }) => [
          subjectField(subject),
          subject.kind === "key" ? subject.id : "",
          known.generation,
          ...countList(known.total),
          known.resetAtMs === undefined ? "" : [...countList(known.resetMark), known.resetAtMs].join(","),
        ]);
      await this.#connection.script("restoreTraffic", [trafficMeta, totals, marks, keyIds, restored], randomUUID(), fields);
    }
  }

  async #applyPart(batch: TrafficBatch, hourMs: number, offset: number, next: number | "all"): Promise<string> {
    const { memberId, epoch, sequence, deltas } = batch;
    const sums = sumBySubject({ memberId, deltas: deltas.slice(offset, next === "all" ? undefined : next) });
    const keys = [
      this.#keys.trafficMeta,
      this.#keys.sequence(memberId, epoch),
      this.#keys.totals,
      this.#keys.keyIds,
      this.#keys.hour(hourMs),
      this.#keys.hour(hourMs - (KEPT_HOURS + 1) * HOUR_MS),
    ];
    const keyCount = sums.filter(({ subject }) => subject.kind === "key").length;
    const fields = sums.flatMap(({ subject, bytes }) => [subject.kind === "key" ? subject.id : subjectField(subject), ...countList(bytes)]);
    return (await this.#connection.script("applyTraffic", keys, randomUUID(), sequence, offset, next, hourMs, keyCount, fields)) as string;
  }

  async #readSubjects(subjects: readonly TrafficSubject[]): Promise<TrafficTotals[]> {
    const { trafficMeta, totals, marks } = this.#keys;
    const reply = await this.#connection.script("readTraffic", [trafficMeta, totals, marks], randomUUID(), subjects.map(subjectField));
    const [generation, ...texts] = reply as [string, ...(string | null)[]];
    return subjects.map((subject, index) => {
      const at = index * FIELDS_OF_TOTALS;
      const mark = texts[at + COUNTERS.length]?.split(",");
      return {
        subject: subjectName(subject),
        total: countsOf(texts.slice(at, at + COUNTERS.length)),
        resetMark: countsOf(mark ?? []),
        resetAtMs: mark ? Number(mark[COUNTERS.length]) : undefined,
        generation,
      };
    });
  }
}
