import assert from "node:assert/strict";
import { test } from "node:test";
import { median, summarize, summarizeRatios } from "./statistics.ts";

test("the median is the middle value, or the mean of the two middle ones", () => {
  assert.equal(median([3]), 3);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([10, 1, 4, 2]), 3);
  assert.throws(() => median([]), RangeError);
});

test("the median does not sort as text and leaves its input alone", () => {
  const values = [100, 20, 3];
  assert.equal(median(values), 20);
  assert.deepEqual(values, [100, 20, 3]);
});

test("a summary spans its rounds, with half of them on each side of the median", () => {
  for (const values of [[1], [2, 1], [5, 1, 9], [4, 4, 4, 4], [0.1, 1e6, 3, -2, 7, 7]]) {
    const summary = summarize(values);
    assert.deepEqual([summary.low, summary.high, summary.rounds], [Math.min(...values), Math.max(...values), values.length]);
    assert.ok(values.filter((value) => value <= summary.median).length * 2 >= values.length);
    assert.ok(values.filter((value) => value >= summary.median).length * 2 >= values.length);
  }
});

test("ratios are taken round by round: a machine that slows down for both changes nothing", () => {
  const theirs = [100, 50, 10];
  const ours = theirs.map((value) => value * 2);
  assert.deepEqual(summarizeRatios(ours, theirs), { median: 2, low: 2, high: 2, rounds: 3 });
});

test("ratios of rounds that do not match, or to nothing, are refused", () => {
  assert.throws(() => summarizeRatios([1, 2], [1]), /2 rounds against 1/);
  assert.throws(() => summarizeRatios([1], [0]), /a ratio to 0/);
  assert.throws(() => summarizeRatios([1], [Number.NaN]), /a ratio to NaN/);
  assert.throws(() => summarizeRatios([], []), RangeError);
});
