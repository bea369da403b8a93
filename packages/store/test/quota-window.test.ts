import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HOUR_MS, type KeyQuota, NO_BYTES, type QuotaWindow, quotaWindowAt, readQuotaBase, SqliteStore } from "../src/index.ts";
import { batch, delta } from "./conformance/harness.ts";

type Unit = Extract<QuotaWindow, { kind: "calendar" }>["unit"];

const quota = (window: QuotaWindow, resetAtMs?: number): KeyQuota => ({
  bytes: 1_000,
  window,
  action: { kind: "cut" },
  ...(resetAtMs !== undefined && { resetAtMs }),
});
const calendar = (unit: Unit, timeZone: string, anchorDay = 1) => quota({ kind: "calendar", unit, timeZone, anchorDay });
const at = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;
const text = (ms: number | undefined) => (ms === undefined ? "none" : new Date(ms).toISOString().replace(":00.000Z", "Z"));

/** Unit, time zone, anchor day, a moment, and the window it lies in. */
const TABLE: readonly [Unit, string, number, string, string, string][] = [
  ["hour", "Europe/Berlin", 1, "2026-06-01T10:59:59.999Z", "2026-06-01T10:00Z", "2026-06-01T11:00Z"],
  ["hour", "Asia/Kolkata", 1, "2026-06-01T10:29:59.999Z", "2026-06-01T09:30Z", "2026-06-01T10:30Z"],
  ["hour", "Asia/Kolkata", 1, "2026-06-01T10:30:00Z", "2026-06-01T10:30Z", "2026-06-01T11:30Z"],
  // The hour that comes twice is two windows.
  ["hour", "Europe/Berlin", 1, "2026-10-25T00:30:00Z", "2026-10-25T00:00Z", "2026-10-25T01:00Z"],
  ["hour", "Europe/Berlin", 1, "2026-10-25T01:30:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"],
  // Lord Howe sets its clock by half an hour: 02:00 becomes 02:30, and half a year later 01:30.
  ["hour", "Australia/Lord_Howe", 1, "2026-10-03T15:29:00Z", "2026-10-03T14:30Z", "2026-10-03T15:30Z"],
  ["hour", "Australia/Lord_Howe", 1, "2026-10-03T15:30:00Z", "2026-10-03T15:30Z", "2026-10-03T16:00Z"],
  ["hour", "Australia/Lord_Howe", 1, "2026-04-04T15:10:00Z", "2026-04-04T15:00Z", "2026-04-04T15:30Z"],
  ["day", "Europe/Berlin", 1, "2026-06-01T22:00:00Z", "2026-06-01T22:00Z", "2026-06-02T22:00Z"],
  // 23 and 25 hours.
  ["day", "Europe/Berlin", 1, "2026-03-29T12:00:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"],
  ["day", "Europe/Berlin", 1, "2026-10-25T12:00:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z"],
  ["day", "America/New_York", 1, "2026-11-01T05:30:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z"],
  ["day", "Asia/Kolkata", 1, "2026-02-28T18:29:59.999Z", "2026-02-27T18:30Z", "2026-02-28T18:30Z"],
  // No 30 December, and a day without midnight.
  ["day", "Pacific/Apia", 1, "2011-12-30T09:59:59.999Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"],
  ["day", "Pacific/Apia", 1, "2011-12-30T10:00:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z"],
  ["day", "America/Sao_Paulo", 1, "2018-11-04T12:00:00Z", "2018-11-04T03:00Z", "2018-11-05T02:00Z"],
  // Set back over midnight: 00:00 became 23:00 of the day before, whose last hour came twice.
  ["day", "America/Sao_Paulo", 1, "2018-02-18T02:30:00Z", "2018-02-17T02:00Z", "2018-02-18T03:00Z"],
  ["week", "Europe/Berlin", 1, "2026-03-29T12:00:00Z", "2026-03-22T23:00Z", "2026-03-29T22:00Z"],
  ["week", "Europe/Berlin", 7, "2026-03-29T12:00:00Z", "2026-03-28T23:00Z", "2026-04-04T22:00Z"],
  ["week", "America/New_York", 3, "2026-01-01T00:00:00Z", "2025-12-31T05:00Z", "2026-01-07T05:00Z"],
  ["month", "UTC", 1, "2026-12-31T23:59:59.999Z", "2026-12-01T00:00Z", "2027-01-01T00:00Z"],
  ["month", "Europe/Berlin", 15, "2026-11-14T22:59:59Z", "2026-10-14T22:00Z", "2026-11-14T23:00Z"],
  ["month", "UTC", 31, "2027-02-15T00:00:00Z", "2027-01-31T00:00Z", "2027-02-28T00:00Z"],
  ["month", "UTC", 31, "2027-02-28T00:00:00Z", "2027-02-28T00:00Z", "2027-03-31T00:00Z"],
  ["month", "UTC", 30, "2028-02-28T12:00:00Z", "2028-01-30T00:00Z", "2028-02-29T00:00Z"],
  ["month", "UTC", 29, "2028-02-29T00:00:00Z", "2028-02-29T00:00Z", "2028-03-29T00:00Z"],
  ["month", "UTC", 29, "2027-03-01T00:00:00Z", "2027-02-28T00:00Z", "2027-03-29T00:00Z"],
  ["month", "Pacific/Apia", 30, "2011-12-30T10:00:00Z", "2011-12-30T10:00Z", "2012-01-29T10:00Z"],
];

describe("windows of a calendar", () => {
  for (const [unit, zone, anchor, moment, start, end] of TABLE) {
    it(`${unit} of ${zone}, day ${anchor}, at ${moment}`, () => {
      const window = quotaWindowAt(calendar(unit, zone, anchor), at(moment));
      assert.deepEqual([text(window.startMs), text(window.endMs)], [start, end]);
      assert.equal(window.countFromMs, window.startMs);
      assert.ok(window.forgetAtMs > window.endMs!);
    });
  }

  it("touch each other through two years", () => {
    const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu"];
    const until = at("2013-01-01T00:00:00Z");
    for (const zone of zones) {
      for (const [unit, anchor, fewest] of [
        ["day", 1, 760],
        ["week", 5, 108],
        ["month", 31, 24],
      ] as const) {
        const fresh = (ms: number) => quotaWindowAt(calendar(unit, zone, anchor), ms);
        let windows = 1;
        for (let window = fresh(at("2010-12-01T00:00:00Z")); window.startMs! < until; windows++) {
          assert.deepEqual(fresh(window.endMs! - 1), window);
          const next = fresh(window.endMs!);
          assert.equal(next.startMs, window.endMs);
          window = next;
        }
        assert.ok(windows >= fewest, `${windows} windows`);
      }
    }
  });
});

describe("other windows", () => {
  it("a rolling one belongs to one hour and reaches back so many days", () => {
    const asked = quota({ kind: "rolling", days: 7 });
    const window = quotaWindowAt(asked, at("2026-06-08T10:59:59Z"));
    assert.deepEqual([text(window.startMs), text(window.endMs)], ["2026-06-01T10:00Z", "2026-06-08T11:00Z"]);
    assert.equal(quotaWindowAt(asked, at("2026-06-08T10:00:00Z")), window);
    assert.notEqual(quotaWindowAt(asked, at("2026-06-08T11:00:00Z")).id, window.id);
    assert.notEqual(quotaWindowAt(asked, at("2026-06-08T09:59:59Z")).id, window.id);
    assert.notEqual(quotaWindowAt(quota({ kind: "rolling", days: 8 }), at("2026-06-08T10:00:00Z")).id, window.id);
  });

  it("a lifetime has neither beginning nor end", () => {
    const asked = quota({ kind: "lifetime" });
    const window = quotaWindowAt(asked, 1_000);
    assert.deepEqual([window.startMs, window.endMs, window.countFromMs], [undefined, undefined, undefined]);
    assert.equal(quotaWindowAt(asked, at("2060-01-01T00:00:00Z")).id, window.id);
    assert.ok(quotaWindowAt(asked, at("2060-01-01T00:00:00Z")).forgetAtMs > at("2060-01-01T00:00:00Z"));
  });

  it("a reset makes another window, which counts from there until the next begins", () => {
    const resetAtMs = at("2026-06-08T10:20:00Z");
    const day = { kind: "calendar", unit: "day", timeZone: "UTC", anchorDay: 1 } as const;
    const [plain, reset] = [quota(day), quota(day, resetAtMs)];
    const moment = resetAtMs + 1_000;
    assert.notEqual(quotaWindowAt(reset, moment).id, quotaWindowAt(plain, moment).id);
    assert.equal(quotaWindowAt(reset, moment).countFromMs, resetAtMs);
    const next = quotaWindowAt(reset, at("2026-06-09T00:00:00Z"));
    assert.equal(text(next.countFromMs), "2026-06-09T00:00Z");
    const ever = quotaWindowAt(quota({ kind: "lifetime" }, resetAtMs), moment);
    assert.equal(ever.countFromMs, resetAtMs);
    assert.notEqual(ever.id, quotaWindowAt(quota({ kind: "lifetime" }), moment).id);
  });

  it("are called by names of their own, and refused for a time zone that is none", () => {
    const moment = at("2026-06-01T00:00:00Z");
    const asked = [calendar("hour", "UTC"), calendar("day", "UTC"), calendar("week", "UTC"), calendar("month", "UTC")];
    assert.equal(new Set(asked.map((one) => quotaWindowAt(one, moment).id)).size, 4);
    assert.throws(() => quotaWindowAt(calendar("day", "Europe/Nowhere"), moment), RangeError);
  });
});

describe("what a window begins with", () => {
  it("whole hours since it began; for a lifetime everything, or everything since the reset", async (t) => {
    const store = new SqliteStore({ path: ":memory:" });
    t.after(() => store.close());
    const nowMs = Date.now() - (Date.now() % HOUR_MS) + 60_000;
    let sequence = 0;
    const add = (hoursAgo: number, bytes: object) =>
      store.applyTraffic(batch(++sequence, [delta("a", 1, bytes)], { atMs: nowMs - hoursAgo * HOUR_MS }));
    await add(49, { tcpUp: 1 });
    await add(48, { tcpDown: 10 });
    await add(2, { udpUp: 100 });
    await add(0, { udpDown: 1_000 });
    const base = (asked: KeyQuota, id = "a") => readQuotaBase(store, id, quotaWindowAt(asked, nowMs));
    assert.equal(await base(quota({ kind: "rolling", days: 2 })), 1_110);
    assert.equal(await base(quota({ kind: "rolling", days: 2 }, nowMs - 2 * HOUR_MS)), 1_000);
    assert.equal(await base(quota({ kind: "lifetime" })), 1_111);
    assert.equal(await base(quota({ kind: "lifetime" }), "nobody"), 0);
    assert.deepEqual((await store.resetTraffic("a", nowMs)).resetMark, { ...NO_BYTES, tcpUp: 1, tcpDown: 10, udpUp: 100, udpDown: 1_000 });
    await add(0, { tcpUp: 5 });
    assert.equal(await base(quota({ kind: "lifetime" }, nowMs)), 5);
    // Reset at another time than the counters: by whole hours.
    assert.equal(await base(quota({ kind: "lifetime" }, nowMs - HOUR_MS)), 1_005);
  });
});
