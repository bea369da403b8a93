import assert from "node:assert/strict";
import { test } from "node:test";
import { PseudoRandom } from "@shadowfleet/testkit";
import { Fullest } from "../src/fullest.ts";

test("names a holder with most through any changes by one", () => {
  const random = new PseudoRandom(7);
  const holders = Array.from({ length: 20 }, (_, id) => ({ id, size: 0 }));
  const fullest = new Fullest<{ id: number; size: number }>();
  assert.deepEqual([fullest.size, fullest.holder], [0, undefined]);
  for (let step = 0; step < 20_000; step++) {
    const holder = holders[random.below(holders.length)]!;
    // Grows in the first half, shrinks in the second.
    const grows = holder.size === 0 || random.below(10) < (step < 10_000 ? 6 : 4);
    holder.size += grows ? 1 : -1;
    fullest.changed(holder, holder.size + (grows ? -1 : 1));
    const most = Math.max(...holders.map(({ size }) => size));
    assert.equal(fullest.size, most);
    assert.equal(fullest.holder?.size, most === 0 ? undefined : most);
  }
});

test("of several with most, the one that has had so much longest", () => {
  const [a, b] = [{ size: 0 }, { size: 0 }];
  const fullest = new Fullest<{ size: number }>();
  for (const holder of [a, b, b, a]) fullest.changed(Object.assign(holder, { size: holder.size + 1 }), holder.size - 1);
  assert.equal(fullest.holder, b);
});
