import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "@shadowfleet/runtime";
import fc from "fast-check";
import { ChangeLog } from "../src/directory/change-log.ts";
import { SortedIds } from "../src/directory/sorted-ids.ts";
import { Timeline } from "../src/directory/timeline.ts";
import { nothingTouched, type Touched } from "../src/directory/touched.ts";

const touchedKeys = (...ids: string[]): Touched => {
  const touched = nothingTouched();
  for (const id of ids) touched.keys.add(id);
  return touched;
};

describe("sorted ids", () => {
  it("hold what a sorted set would, whatever is added and taken away", () => {
    const step = fc.record({ add: fc.boolean(), id: fc.string({ maxLength: 3 }) });
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3 })), fc.array(step), fc.string({ maxLength: 3 }), (start, steps, after) => {
        const ids = new SortedIds();
        ids.replace(new Set(start));
        const model = new Set(start);
        for (const { add, id } of steps) {
          if (add) ids.add(id);
          else ids.delete(id);
          if (add) model.add(id);
          else model.delete(id);
        }
        const sorted = [...model].sort((a, b) => (a < b ? -1 : 1));
        assert.deepEqual(ids.toArray(), sorted);
        assert.deepEqual(
          [...ids.after(after)],
          sorted.filter((id) => id > after),
        );
        assert.equal(ids.size, model.size);
      }),
    );
  });
});

describe("the timeline", () => {
  it("calls back in the order of moments, on time, and not for what was taken away or moved", async () => {
    const due: string[] = [];
    const startedAt = Date.now();
    const timeline = new Timeline(systemClock, (ids) => due.push(...ids));
    for (const [id, afterMs] of [
      ["c", 120],
      ["a", 40],
      ["gone", 60],
      ["moved", 20],
      ["b", 80],
    ] as const)
      timeline.schedule(id, startedAt + afterMs);
    timeline.schedule("gone", undefined);
    timeline.schedule("moved", startedAt + 160);
    await sleep(100);
    assert.deepEqual(due, ["a", "b"]);
    await sleep(120);
    assert.deepEqual(due, ["a", "b", "c", "moved"]);
    timeline.close();
  });

  it("stays small and right when thousands of moments are moved again and again", async () => {
    const due = new Set<string>();
    const soon = Date.now() + 150;
    const timeline = new Timeline(systemClock, (ids) => {
      for (const id of ids) due.add(id);
    });
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 500; index++) timeline.schedule(`k${index}`, Date.now() + 3_600_000 - round * 1_000 - index);
    }
    for (let index = 0; index < 500; index += 2) timeline.schedule(`k${index}`, soon + (index % 7));
    await sleep(soon - Date.now() + 100);
    assert.equal(due.size, 250);
    timeline.close();
  });
});

describe("the change log", () => {
  const at = (revision: number, generation = "g") => ({ revision, generation });

  it("gives what changed after a place, and nothing for places it does not know", () => {
    const log = new ChangeLog();
    log.restart(at(5));
    log.add(at(6), touchedKeys("six"));
    log.add(at(9), touchedKeys("nine"));
    assert.deepEqual([...log.since(at(5))!.keys], ["six", "nine"]);
    assert.deepEqual([...log.since(at(6))!.keys], ["nine"]);
    assert.deepEqual([...log.since(at(7))!.keys], ["nine"], "8 came together with 9 here");
    assert.deepEqual([...log.since(at(9))!.keys], []);
    for (const unknown of [at(4), at(10), at(6, "other")]) assert.equal(log.since(unknown), undefined);
  });

  it("repeats, rather than loses, what time changed at one revision", () => {
    const log = new ChangeLog();
    log.restart(at(5));
    log.add(at(6), touchedKeys("store"));
    log.add(at(6), touchedKeys("time"));
    assert.deepEqual([...log.since(at(6))!.keys], ["time"]);
    assert.deepEqual([...log.since(at(5))!.keys], ["store", "time"]);
  });

  it("knows the places of an earlier declared configuration", () => {
    const log = new ChangeLog();
    log.restart(at(5, "g.1"));
    log.add(at(5, "g.2"), touchedKeys("declared"));
    log.add(at(6, "g.2"), touchedKeys("later"));
    assert.deepEqual([...log.since(at(5, "g.1"))!.keys], ["declared", "later"]);
    assert.deepEqual([...log.since(at(5, "g.2"))!.keys], ["later"]);
  });

  it("forgets the oldest when it grows too long, and says so", () => {
    const log = new ChangeLog();
    log.restart(at(0));
    for (let revision = 1; revision <= 30_000; revision++) log.add(at(revision), touchedKeys(`k${revision}`));
    assert.equal(log.since(at(1)), undefined);
    assert.equal(log.since(at(29_999))!.keys.size, 1);
  });
});
