import assert from "node:assert/strict";
import test from "node:test";
import { Places } from "../src/places.ts";

test("each member has a place of its own, which another one gets once it has left", () => {
  const places = new Places<{ name: string }>();
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => ({ name })) as [{ name: string }, ...{ name: string }[]];
  const at = [a, b!, c!].map((member) => places.add(member));
  assert.equal(new Set(at).size, 3);
  assert.equal(places.size, 3);
  places.remove(at[1]!);
  assert.deepEqual([...places], [a, c]);
  assert.equal(places.add(d!), at[1]);
  assert.deepEqual([places.size, [...places]], [3, [a, d, c]]);
  for (const place of at) places.remove(place);
  assert.deepEqual([places.size, [...places]], [0, []]);
});

test("any of them may leave while they are gone through, and is then not come to", () => {
  const places = new Places<{ n: number }>();
  const at = [0, 1, 2].map((n) => places.add({ n }));
  const met: number[] = [];
  for (const { n } of places) {
    met.push(n);
    if (n === 0) for (const place of at.slice(0, 2)) places.remove(place);
  }
  assert.deepEqual(met, [0, 2]);
});
