import assert from "node:assert/strict";
import { test } from "node:test";
import { RecencyList, type RecencyNode } from "../src/recency-list.ts";

test("oldest first, and a touched value becomes the newest", () => {
  const list = new RecencyList<string>();
  const a = list.add("a");
  const b = list.add("b");
  list.add("c");
  list.touch(a);
  assert.deepEqual([...list], ["b", "c", "a"]);
  list.touch(a);
  assert.deepEqual([...list], ["b", "c", "a"]);
  list.remove(b);
  assert.equal(list.oldest, "c");
  assert.equal(list.size, 2);
});

test("the value just given may be removed while iterating", () => {
  const list = new RecencyList<number>();
  const nodes = new Map([1, 2, 3, 4].map((value) => [value, list.add(value)]));
  const seen: number[] = [];
  for (const value of list) {
    seen.push(value);
    const node = nodes.get(value);
    if (node && value !== 3) list.remove(node);
  }
  assert.deepEqual(seen, [1, 2, 3, 4]);
  assert.deepEqual([...list], [3]);
});

test("any run of steps keeps the order an array would", () => {
  const list = new RecencyList<number>();
  let model: RecencyNode<number>[] = [];
  let seed = 20_221_101;
  const below = (limit: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 1;
    return (seed >>> 8) % limit;
  };
  for (let step = 0; step < 5000; step++) {
    const node = model[below(Math.max(1, model.length))];
    const kind = below(3);
    if (kind === 0 || !node) {
      model.push(list.add(step));
    } else {
      model = model.filter((other) => other !== node);
      if (kind === 1) {
        list.touch(node);
        model.push(node);
      } else {
        list.remove(node);
      }
    }
    const values = model.map(({ value }) => value);
    assert.deepEqual([[...list], list.size, list.oldest], [values, values.length, values[0]], `step ${step}`);
  }
});
