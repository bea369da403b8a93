import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { PseudoRandom, pseudoRandomSha256 } from "../src/pseudo-random.ts";

test("the seed decides the bytes, the sizes asked for do not", () => {
  const whole = new PseudoRandom(7).bytes(100_000);
  const pieces = new PseudoRandom(7);
  const again = Buffer.concat([1, 3, 16_380, 50_000, 0, 33_616].map((length) => pieces.bytes(length)));
  assert.deepEqual(again, whole);
  assert.notDeepEqual(new PseudoRandom(8).bytes(100_000), whole);
  // A change of the generator would silently change every recorded hash.
  assert.equal(new PseudoRandom(7).bytes(8).toString("hex"), "81ad2190702fd963");
});

test("the hash is that of the bytes", () => {
  for (const length of [0, 1, 16_384, 16_385, 100_000]) {
    assert.equal(pseudoRandomSha256(7, length), createHash("sha256").update(new PseudoRandom(7).bytes(length)).digest("hex"));
  }
  assert.notEqual(pseudoRandomSha256(7, 10), pseudoRandomSha256(7, 11));
});

test("bytes and numbers are spread evenly", () => {
  const counts = new Array<number>(256).fill(0);
  for (const byte of new PseudoRandom(3).bytes(256_000)) counts[byte]!++;
  for (const count of counts) assert.ok(count > 1000 - 6 * Math.sqrt(1000) && count < 1000 + 6 * Math.sqrt(1000), String(count));
  const random = new PseudoRandom(4);
  const sums = [0, 0, 0];
  for (let i = 0; i < 3000; i++) sums[random.below(3)]!++;
  for (const sum of sums) assert.ok(Math.abs(sum - 1000) < 6 * Math.sqrt(1000), String(sums));
});
