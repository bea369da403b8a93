import assert from "node:assert/strict";
import { it } from "node:test";
import type { FleetEvent, FleetStore } from "../../src/index.ts";
import { openPair, putKey, request, type StoreHarness } from "./harness.ts";

const event = (subject: string, fields: Partial<FleetEvent> = {}): FleetEvent => ({
  type: "key.cut",
  subject,
  atMs: 1_700_000_000_000,
  details: { usedBytes: 5, reason: "quota ☃", isFinal: true },
  ...fields,
});

const subjects = async (store: FleetStore, afterId = "", limit = 100) =>
  (await store.readEvents(afterId, limit)).map(({ subject }) => subject);

export function eventTests(harness: () => StoreHarness): void {
  it("keeps events in their order, and goes on behind any of them", async (t) => {
    const [store, other] = await openPair(t, harness());
    assert.deepEqual([await store.lastEventId(), await store.readEvents("", 10)], ["", []]);
    await store.appendEvents([event("a"), event("b")]);
    await other.appendEvents([event("c"), event("d", { type: "relay.joined", details: {} })]);
    const all = await other.readEvents("", 100);
    assert.deepEqual(
      all.map(({ id: _, ...rest }) => rest),
      [event("a"), event("b"), event("c"), event("d", { type: "relay.joined", details: {} })],
    );
    assert.equal(new Set(all.map(({ id }) => id)).size, 4);
    assert.equal(await store.lastEventId(), all[3]?.id);
    assert.deepEqual(await subjects(store, "", 2), ["a", "b"]);
    assert.deepEqual(await subjects(store, all[1]!.id, 1), ["c"]);
    assert.deepEqual(await subjects(store, all[3]!.id), []);
    await store.appendEvents([event("e")]);
    assert.deepEqual(await subjects(other, all[3]!.id), ["e"]);
    for (const gone of ["1-1", "99999999999999-7", "no id", "5-no"]) assert.equal((await store.readEvents(gone, 100)).length, 5, gone);
  });

  it("keeps one event of a name, however many tell of it", async (t) => {
    const [store, other] = await openPair(t, harness());
    const named = event("a", { once: "quota.80 of a, day/1" });
    await Promise.all(Array.from({ length: 10 }, (_, at) => (at % 2 ? store : other).appendEvents([event(`n-${at}`), named])));
    await other.appendEvents([named, event("a", { once: "quota.90 of a, day/1" })]);
    const found = await subjects(store);
    assert.equal(found.length, 12);
    assert.equal(found.filter((subject) => subject === "a").length, 2);
  });

  it("appends the events of a write with it, or not at all", async (t) => {
    const [store, other] = await openPair(t, harness());
    const events = [event("a", { type: "key.created" }), event("a", { once: "made" }), event("b", { once: "made too" })];
    const write = { ...putKey("a"), requestId: "r", response: "made", events };
    assert.equal((await store.write(write)).outcome, "written");
    assert.deepEqual(await other.write(write), { outcome: "repeated", response: "made" });
    const refused = request({ expect: [{ kind: "key", id: "a", version: 7 }], events: [event("c")] });
    assert.equal((await store.write(refused)).outcome, "conflict");
    assert.equal((await store.write(request({ events: [event("d"), event("d", { once: "made" })] }))).outcome, "written");
    assert.deepEqual(await subjects(other), ["a", "a", "b", "d"]);
  });

  it("takes thousands of events at once", async (t) => {
    const [store] = await openPair(t, harness());
    await store.appendEvents(Array.from({ length: 2_500 }, (_, at) => event(String(at), at % 2 ? { once: `o-${at}` } : {})));
    const found = await subjects(store, "", 5_000);
    assert.deepEqual(
      found,
      Array.from({ length: 2_500 }, (_, at) => String(at)),
    );
  });

  it("gives a turn to one, who keeps it by asking again, and to another when its time is over", async (t) => {
    const [store, other] = await openPair(t, harness());
    const taken = await Promise.all(["a", "b", "c", "d"].map((holder, at) => (at % 2 ? store : other).takeTurn("webhooks", holder, 700)));
    assert.equal(taken.filter((isMine) => isMine).length, 1);
    const holder = ["a", "b", "c", "d"][taken.indexOf(true)]!;
    await harness().pass(400);
    assert.equal(await other.takeTurn("webhooks", holder, 700), true);
    await harness().pass(400);
    assert.equal(await store.takeTurn("webhooks", "late", 700), false);
    assert.equal(await store.takeTurn("other", "late", 700), true);
    await harness().pass(500);
    assert.equal(await store.takeTurn("webhooks", "late", 700), true);
    assert.equal(await other.takeTurn("webhooks", holder, 700), false);
  });

  it("keeps notes by scope and name", async (t) => {
    const [store, other] = await openPair(t, harness());
    assert.deepEqual(await store.readNotes("webhooks"), new Map());
    await store.writeNotes(
      "webhooks",
      new Map([
        ["a", "1-0"],
        ["ünï: {x}", "☃ \n"],
        ["gone", undefined],
      ]),
    );
    await other.writeNotes("upstreams", new Map([["a", "down"]]));
    await other.writeNotes(
      "webhooks",
      new Map([
        ["a", undefined],
        ["b", ""],
      ]),
    );
    assert.deepEqual(
      await store.readNotes("webhooks"),
      new Map([
        ["ünï: {x}", "☃ \n"],
        ["b", ""],
      ]),
    );
    assert.deepEqual(await store.readNotes("upstreams"), new Map([["a", "down"]]));
    await store.writeNotes("upstreams", new Map());
  });
}
