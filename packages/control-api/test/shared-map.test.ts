import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SharedMap } from "../src/index.ts";

const name = fc.oneof(fc.string({ maxLength: 3 }), fc.integer({ min: 0, max: 500 }).map(String));
const changes = fc.array(fc.tuple(name, fc.option(fc.integer(), { nil: undefined })), { maxLength: 400 });

describe("SharedMap", () => {
  it("is a map, whatever is done to it, and what it was made from stays as it was", () => {
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 8 }), (steps) => {
        let map = SharedMap.from<number>();
        const model = new Map<string, number>();
        for (const step of steps) {
          const before = map;
          const known = new Map(before);
          map = before.with(new Map(step));
          const touched = new Set<string>();
          for (const [id, value] of new Map(step)) {
            if (model.get(id) !== value) touched.add(id);
            if (value === undefined) model.delete(id);
            else model.set(id, value);
          }
          assert.deepEqual(new Map(map), model);
          assert.deepEqual([map.size, new Map(before)], [model.size, known]);
          assert.deepEqual(new Set(before.difference(map)), touched);
          assert.deepEqual(new Set(map.difference(before)), touched);
          if (touched.size === 0) assert.equal(map, before);
        }
        for (const [id, value] of model) assert.deepEqual([map.get(id), map.has(id)], [value, true]);
        assert.deepEqual(new Set(map.keys()), new Set(model.keys()));
        assert.equal([...map.values()].length, model.size);
      }),
      { numRuns: 100 },
    );
  });

  it("looks at little of a large map for a small change", () => {
    const entries = Array.from({ length: 100_000 }, (_, n) => [`key-${n}`, n] as const);
    let map = SharedMap.from(entries);
    const startedMs = performance.now();
    for (let n = 0; n < 1000; n++) {
      const next = map.with(new Map([[`key-${n}`, -1]]));
      assert.deepEqual([...map.difference(next)], [`key-${n}`]);
      map = next;
    }
    const perChangeMs = (performance.now() - startedMs) / 1000;
    assert.ok(perChangeMs < 2, `${perChangeMs} ms a change; copying all would take 10 ms and more`);
  });
});
