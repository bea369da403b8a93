import assert from "node:assert/strict";
import { test } from "node:test";
import { byteByByte, feed, type Split, splitsOf, twoWaySplits } from "../src/splits.ts";

const BYTES = Buffer.from(Array.from({ length: 200 }, (_, i) => i));

test("every split holds all bytes, in order, in pieces that are not empty", () => {
  for (const length of [1, 2, 5, 200]) {
    const bytes = BYTES.subarray(0, length);
    const splits = [...splitsOf(bytes)];
    assert.equal(splits.length, 1 + 1 + (length - 1) + 20);
    for (const { label, pieces } of splits) {
      assert.deepEqual(Buffer.concat(pieces), bytes, label);
      assert.ok(
        pieces.every((piece) => piece.length > 0),
        label,
      );
    }
  }
  assert.equal(byteByByte(BYTES).pieces.length, 200);
  assert.deepEqual(
    [...twoWaySplits(BYTES.subarray(0, 3))].map(({ pieces }) => pieces.map((piece) => piece.length)),
    [
      [1, 2],
      [2, 1],
    ],
  );
  assert.deepEqual(
    [...splitsOf(Buffer.alloc(0))].flatMap(({ pieces }) => pieces),
    [],
  );
});

test("random splits repeat with their seed and differ with another", () => {
  const shape = (seed: number) => [...splitsOf(BYTES, { seed })].map(({ pieces }) => pieces.map((piece) => piece.length));
  assert.deepEqual(shape(1), shape(1));
  assert.notDeepEqual(shape(1), shape(2));
});

/** Collects until it has everything, honestly or by keeping references into the read buffer. */
const collector = (expected: number, keepsReferences: boolean) => {
  const kept: Buffer[] = [];
  return (src: Buffer, start: number, end: number): Buffer | undefined => {
    const piece = src.subarray(start, end);
    kept.push(keepsReferences ? piece : Buffer.from(piece));
    const all = Buffer.concat(kept);
    return all.length >= expected ? all : undefined;
  };
};

test("feed gives a parser the bytes and stops at its outcome", () => {
  for (const split of splitsOf(BYTES)) {
    assert.deepEqual(feed(split, collector(BYTES.length, false)), BYTES, split.label);
    assert.equal(feed(split, collector(BYTES.length + 1, false)), undefined, split.label);
  }
  let calls = 0;
  feed(byteByByte(BYTES), () => (++calls === 3 ? true : undefined));
  assert.equal(calls, 3);
});

test("feed catches a parser that keeps a reference to the read buffer", () => {
  const caught = (split: Split) => !feed(split, collector(BYTES.length, true))?.equals(BYTES);
  assert.ok([...twoWaySplits(BYTES)].every(caught));
});
