import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SlidingWindow, WINDOW_WIDTH } from "../../src/replay/sliding-window.ts";

const high = (id: bigint): number => Number(id >> 32n);
const low = (id: bigint): number => Number(id & 0xffff_ffffn);

/** Check, then add if new, as packet codecs do. */
function take(window: SlidingWindow, id: bigint): boolean {
  const isNew = window.check(high(id), low(id));
  if (isNew) window.add(high(id), low(id));
  return isNew;
}

/** Every id ever seen, and the width rule written down as it is meant. */
class NaiveWindow {
  readonly #seen = new Set<bigint>();
  #newest = 0n;

  take(id: bigint): boolean {
    if (this.#seen.has(id) || id + BigInt(WINDOW_WIDTH) <= this.#newest) return false;
    this.#seen.add(id);
    if (id > this.#newest) this.#newest = id;
    return true;
  }
}

const U64_MAX = 2n ** 64n - 1n;

describe("SlidingWindow", () => {
  it("takes each id once, in order", () => {
    const window = new SlidingWindow();
    for (let id = 0n; id < 20_000n; id += 1n) {
      assert.equal(take(window, id), true);
      assert.equal(take(window, id), false);
    }
  });

  it("takes ids in reverse order within its width, and none beyond", () => {
    const newest = 1_000_000n;
    const window = new SlidingWindow();
    assert.equal(take(window, newest), true);
    for (let back = 1n; back < BigInt(WINDOW_WIDTH); back += 1n) assert.equal(take(window, newest - back), true, `${back} behind`);
    assert.equal(take(window, newest - BigInt(WINDOW_WIDTH)), false);
    for (let back = 0n; back < BigInt(WINDOW_WIDTH); back += 1n) assert.equal(take(window, newest - back), false, `${back} again`);
  });

  it("is not moved by check", () => {
    const window = new SlidingWindow();
    assert.equal(window.check(0xffff_ffff, 0xffff_ffff), true);
    assert.equal(take(window, 0n), true);
    assert.equal(window.check(0, 0), false);
    assert.equal(window.check(0, 1), true);
  });

  it("is as wide as documented", () => {
    assert.equal(WINDOW_WIDTH, 8128);
  });

  it("keeps its bits across the halves of an id and at the end of the range", () => {
    for (const edge of [2n ** 32n, 2n ** 53n, 2n ** 63n, U64_MAX - 100n]) {
      const window = new SlidingWindow();
      for (let id = edge - 100n; id <= edge + 100n; id += 1n) assert.equal(take(window, id), true, `${id}`);
      for (let id = edge - 100n; id <= edge + 100n; id += 1n) assert.equal(take(window, id), false, `${id} again`);
      assert.equal(take(window, edge - 200n), true);
      assert.equal(take(window, edge - 9000n), false);
    }
  });

  it("agrees with a set of all ids", () => {
    const near = fc.integer({ min: -9000, max: 9000 }).map(BigInt);
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -40, max: 40 }).map(BigInt) },
      { weight: 3, arbitrary: near },
      { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 34n), max: 2n ** 34n }) },
    );
    const start = fc.oneof(
      fc.constant(0n),
      fc.constant(2n ** 32n - 20n),
      fc.constant(2n ** 53n - 20n),
      fc.bigInt({ min: 0n, max: U64_MAX }),
    );
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 200, size: "max" }), (first, steps) => {
        const window = new SlidingWindow();
        const naive = new NaiveWindow();
        let id = first;
        for (const delta of steps) {
          assert.equal(take(window, id), naive.take(id), `${id}`);
          id += delta;
          if (id < 0n) id = -id;
          if (id > U64_MAX) id = U64_MAX - (id - U64_MAX);
        }
      }),
      { numRuns: 300 },
    );
  });
});
