import assert from "node:assert/strict";
import { it } from "node:test";
import { type FleetStore, HOUR_MS, NO_BYTES, type TrafficSubject, type TrafficTotals } from "../../src/index.ts";
import { batch, delta, openOne, openPair, type StoreHarness } from "./harness.ts";

const FLEET = { kind: "fleet" } as const;
const key = (id: string) => ({ kind: "key", id }) as const;

const totalOf = async (store: FleetStore, subject: TrafficSubject) => (await store.readTraffic(subject)).total;

export function trafficTests(harness: () => StoreHarness): void {
  it("adds a batch to access keys, ports, relay and fleet", async (t) => {
    const [store, other] = await openPair(t, harness());
    const deltas = [
      delta("a", 1, { tcpUp: 1, tcpDown: 20 }),
      delta("a", 2, { tcpUp: 300, udpUp: 4_000 }),
      delta("b", 2, { udpDown: 50_000 }),
      delta("idle", 3),
    ];
    assert.equal(await store.applyTraffic(batch(1, deltas)), "applied");
    assert.equal(await store.applyTraffic(batch(2, [])), "applied");
    assert.deepEqual(await totalOf(other, key("a")), { tcpUp: 301, tcpDown: 20, udpUp: 4_000, udpDown: 0 });
    assert.deepEqual(await totalOf(other, key("b")), { ...NO_BYTES, udpDown: 50_000 });
    assert.deepEqual(await totalOf(other, { kind: "port", port: 2 }), { ...NO_BYTES, tcpUp: 300, udpUp: 4_000, udpDown: 50_000 });
    assert.deepEqual(await totalOf(other, { kind: "member", id: "relay-1" }), { tcpUp: 301, tcpDown: 20, udpUp: 4_000, udpDown: 50_000 });
    const fleet = await other.readTraffic(FLEET);
    assert.deepEqual(fleet, {
      subject: "",
      total: { tcpUp: 301, tcpDown: 20, udpUp: 4_000, udpDown: 50_000 },
      resetMark: NO_BYTES,
      resetAtMs: undefined,
      generation: fleet.generation,
    });
    assert.deepEqual(
      (await other.listTraffic("", 10)).map(({ subject }) => subject),
      ["a", "b"],
    );
  });

  it("has zero totals for a subject never heard of", async (t) => {
    const store = await openOne(t, harness());
    const subjects: TrafficSubject[] = [FLEET, key("x"), { kind: "port", port: 7 }, { kind: "member", id: "m" }];
    const totals = await Promise.all(subjects.map((subject) => store.readTraffic(subject)));
    assert.deepEqual(
      totals.map(({ subject, total, resetMark, resetAtMs }) => ({ subject, total, resetMark, resetAtMs })),
      ["", "x", "7", "m"].map((subject) => ({ subject, total: NO_BYTES, resetMark: NO_BYTES, resetAtMs: undefined })),
    );
    assert.deepEqual(await store.listTraffic("", 10), []);
  });

  it("applies a batch at most once by relay, epoch and sequence", async (t) => {
    const [store, other] = await openPair(t, harness());
    const deltas = [delta("a", 1, { tcpUp: 1 })];
    assert.equal(await store.applyTraffic(batch(1, deltas)), "applied");
    assert.equal(await other.applyTraffic(batch(1, deltas)), "duplicate");
    assert.equal(await store.applyTraffic(batch(3, deltas)), "applied");
    assert.equal(await store.applyTraffic(batch(2, deltas)), "duplicate");
    assert.equal(await store.applyTraffic(batch(1, deltas, { epoch: "epoch-2" })), "applied");
    assert.equal(await store.applyTraffic(batch(3, deltas)), "duplicate");
    assert.equal(await store.applyTraffic(batch(1, deltas, { memberId: "relay-2" })), "applied");
    assert.equal((await totalOf(store, FLEET)).tcpUp, 4);
  });

  it("applies a batch once that is sent many times at once", async (t) => {
    const handles = await openPair(t, harness());
    for (let sequence = 1; sequence <= 5; sequence++) {
      const one = batch(sequence, [delta("a", 1, { tcpUp: 7, udpDown: 3 })]);
      const results = await Promise.all(Array.from({ length: 12 }, (_, at) => handles[at % 2]!.applyTraffic(one)));
      assert.equal(results.filter((result) => result === "applied").length, 1);
    }
    assert.deepEqual(await totalOf(handles[0], key("a")), { ...NO_BYTES, tcpUp: 35, udpDown: 15 });
  });

  it("applies large batches once too, sent by two at once", async (t) => {
    const handles = await openPair(t, harness());
    const deltas = Array.from({ length: 3_500 }, (_, at) => delta(`key-${at}`, 8_000 + (at % 3), { tcpUp: 1, tcpDown: at }));
    for (let sequence = 1; sequence <= 2; sequence++) {
      const results = await Promise.all([...handles, ...handles].map((store) => store.applyTraffic(batch(sequence, deltas))));
      assert.equal(results.filter((result) => result === "applied").length, 1);
    }
    const down = 3_500 * 3_499;
    assert.deepEqual(await totalOf(handles[0], FLEET), { ...NO_BYTES, tcpUp: 7_000, tcpDown: down });
    assert.deepEqual(await totalOf(handles[1], key("key-3499")), { ...NO_BYTES, tcpUp: 2, tcpDown: 6_998 });
    const listed = await handles[1].listTraffic("", 5_000);
    assert.equal(listed.length, 3_500);
    assert.equal(
      listed.reduce((sum, { total }) => sum + total.tcpDown, 0),
      down,
    );
  });

  it("counts exactly beyond 32 bits", async (t) => {
    const store = await openOne(t, harness());
    const large = 2 ** 51 + 1;
    await store.applyTraffic(batch(1, [delta("a", 1, { tcpDown: large })]));
    await store.applyTraffic(batch(2, [delta("a", 1, { tcpDown: large })]));
    assert.equal((await totalOf(store, key("a"))).tcpDown, 2 ** 52 + 2);
  });

  it("refuses counts that are none, whole", async (t) => {
    const store = await openOne(t, harness());
    for (const tcpUp of [-1, 0.5, Number.NaN, 2 ** 53]) {
      const deltas = [delta("a", 1, { tcpUp: 5 }), delta("b", 1, { tcpUp })];
      await assert.rejects(store.applyTraffic(batch(1, deltas)), RangeError);
    }
    assert.deepEqual(await totalOf(store, FLEET), NO_BYTES);
    assert.equal(await store.applyTraffic(batch(1, [delta("a", 1, { tcpUp: 5 })])), "applied");
  });

  it("keeps hour buckets of access keys", async (t) => {
    const [store, other] = await openPair(t, harness());
    const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
    const at = [hourMs - 5 * HOUR_MS, hourMs - 2 * HOUR_MS + 1, hourMs - HOUR_MS - 1, hourMs];
    for (const [index, atMs] of at.entries()) await store.applyTraffic(batch(index + 1, [delta("a", 1, { tcpUp: 10 ** index })], { atMs }));
    const bucket = (hoursAgo: number, tcpUp: number) => ({ hourMs: hourMs - hoursAgo * HOUR_MS, bytes: { ...NO_BYTES, tcpUp } });
    assert.deepEqual(await other.readBuckets("a", 0, Number.MAX_SAFE_INTEGER), [bucket(5, 1), bucket(2, 110), bucket(0, 1_000)]);
    assert.deepEqual(await other.readBuckets("a", hourMs - 2 * HOUR_MS, hourMs), [bucket(2, 110)]);
    assert.deepEqual(await other.readBuckets("a", hourMs - 5 * HOUR_MS + 1, hourMs - 2 * HOUR_MS), []);
    assert.deepEqual(await other.readBuckets("b", 0, Number.MAX_SAFE_INTEGER), []);
  });

  it("lists an hour of all access keys", async (t) => {
    const [store, other] = await openPair(t, harness());
    const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
    const many = Array.from({ length: 300 }, (_, index) =>
      delta(`k${String(index).padStart(3, "0")}`, 1, { tcpUp: index + 1, udpDown: 7 }),
    );
    await store.applyTraffic(batch(1, [...many].reverse(), { atMs: hourMs + 5 }));
    await store.applyTraffic(batch(2, [delta("a", 1, { tcpDown: 3 }), delta("idle", 1)], { atMs: hourMs - 1 }));
    const listed = await other.readHour(hourMs);
    const expected = many.map(({ keyId, tcpUp }) => ({ keyId, bytes: { ...NO_BYTES, tcpUp, udpDown: 7 } }));
    assert.deepEqual(listed, expected);
    assert.deepEqual(await other.readHour(hourMs - HOUR_MS), [{ keyId: "a", bytes: { ...NO_BYTES, tcpDown: 3 } }]);
    assert.deepEqual(await other.readHour(hourMs - 2 * HOUR_MS), []);
  });

  it("closes hours: what comes late counts for the first open one, and nothing is lost", async (t) => {
    const [store, other] = await openPair(t, harness());
    const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
    const openMs = hourMs - HOUR_MS;
    const settleMs = Date.now() - openMs - HOUR_MS / 2;
    const old = openMs - HOUR_MS;
    await store.applyTraffic(batch(1, [delta("a", 1, { tcpUp: 1 })], { atMs: old + 1 }));
    assert.equal(await store.closeHours(settleMs), openMs);
    assert.equal(await other.closeHours(settleMs + 9 * HOUR_MS), openMs, "it does not go back");
    assert.equal(await other.applyTraffic(batch(2, [delta("a", 1, { tcpUp: 20 })], { atMs: old + 2 })), "applied");
    assert.equal(await other.applyTraffic(batch(2, [delta("a", 1, { tcpUp: 20 })], { atMs: old + 2 })), "duplicate");
    const many = Array.from({ length: 2_500 }, (_, index) => delta(`k${index}`, 1, { tcpUp: 1 }));
    await store.applyTraffic(batch(3, many, { atMs: old }));
    await store.applyTraffic(batch(4, [delta("a", 1, { tcpUp: 300 })], { atMs: hourMs + 1 }));
    const tcpUp = (await store.readBuckets("a", 0, Number.MAX_SAFE_INTEGER)).map((bucket) => [bucket.hourMs, bucket.bytes.tcpUp]);
    assert.deepEqual(tcpUp, [
      [old, 1],
      [openMs, 20],
      [hourMs, 300],
    ]);
    assert.equal((await other.readHour(old)).length, 1);
    assert.equal((await other.readHour(openMs)).length, 2_501);
    assert.equal((await totalOf(other, key("a"))).tcpUp, 321);
  });

  it("marks a reset without making the total smaller", async (t) => {
    const [store, other] = await openPair(t, harness());
    await store.applyTraffic(batch(1, [delta("a", 1, { tcpUp: 5, udpDown: 6 })]));
    const reset = await store.resetTraffic("a", 1_234);
    assert.deepEqual(reset.total, { ...NO_BYTES, tcpUp: 5, udpDown: 6 });
    assert.deepEqual(reset.resetMark, reset.total);
    assert.equal(reset.resetAtMs, 1_234);
    await store.applyTraffic(batch(2, [delta("a", 1, { tcpUp: 5 })]));
    const after = await other.readTraffic(key("a"));
    assert.deepEqual([after.total.tcpUp, after.resetMark.tcpUp, after.resetAtMs], [10, 5, 1_234]);
    assert.deepEqual(await other.listTraffic("", 1), [after]);
    assert.equal((await other.resetTraffic("never used", 9)).resetAtMs, 9);
    assert.equal((await other.listTraffic("", 10)).length, 1);
  });

  it("pages through access keys in order of their ids' bytes", async (t) => {
    const store = await openOne(t, harness());
    const ids = ["", " ", "1", "10", "2", "A", "a", "a:b", "b", "z", "ä", "ﾊ", "😀"].filter((id) => id !== "");
    await store.applyTraffic(
      batch(
        1,
        ids.toReversed().map((id) => delta(id, 1, { tcpUp: 1 })),
      ),
    );
    const paged: string[] = [];
    for (let after = ""; ; after = paged.at(-1)!) {
      const page = await store.listTraffic(after, 5);
      assert.ok(page.length <= 5);
      if (page.length === 0) break;
      paged.push(...page.map(({ subject }) => subject));
    }
    assert.deepEqual(paged, ids);
  });

  it("gives back what an earlier life counted, once, and nothing of its own life", async (t) => {
    const [store, other] = await openPair(t, harness());
    await store.applyTraffic(batch(1, [delta("a", 1, { tcpUp: 5 }), delta("b", 1, { tcpUp: 7 })]));
    await store.resetTraffic("b", 50);
    const earlier = (subject: string, tcpUp: number, mark?: number): TrafficTotals => ({
      subject,
      total: { ...NO_BYTES, tcpUp },
      resetMark: { ...NO_BYTES, tcpUp: mark ?? 0 },
      resetAtMs: mark === undefined ? undefined : 40,
      generation: "an earlier life",
    });
    const known = [
      { subject: key("a"), totals: earlier("a", 100, 60) },
      { subject: key("b"), totals: earlier("b", 100, 60) },
      { subject: key("c"), totals: earlier("c", 1) },
      { subject: FLEET, totals: earlier("", 201) },
    ];
    await Promise.all([store.restoreTraffic(known), other.restoreTraffic(known)]);
    await store.restoreTraffic(known);
    assert.deepEqual(
      (await store.listTraffic("", 10)).map(({ subject, total }) => [subject, total.tcpUp]),
      [
        ["a", 105],
        ["b", 107],
        ["c", 1],
      ],
    );
    assert.equal((await totalOf(store, FLEET)).tcpUp, 213);
    const [a, b] = await store.listTraffic("", 2);
    assert.deepEqual([a?.resetMark.tcpUp, a?.resetAtMs], [60, 40]);
    // Reset in this life, at 7 of its own: all that was counted before is below the mark.
    assert.deepEqual([b?.resetMark.tcpUp, b?.resetAtMs], [107, 50]);

    const own = await store.readTraffic({ kind: "port", port: 1 });
    await store.restoreTraffic([{ subject: { kind: "port", port: 1 }, totals: own }]);
    assert.deepEqual(await totalOf(store, { kind: "port", port: 1 }), own.total);
  });
}
