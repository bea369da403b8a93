import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SaltPool } from "../../src/replay/salt-pool.ts";

const START = 1_700_000_000;
const salt = (n: number): Buffer => {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(n);
  return bytes;
};

describe("SaltPool", () => {
  it("refuses a salt for the whole window and forgets it the second after", () => {
    for (const later of [0, 1, 30, 59, 60]) {
      const pool = new SaltPool();
      assert.equal(pool.admit(salt(1), START), true);
      assert.equal(pool.admit(salt(1), START + later), false, `after ${later} s`);
    }
    const pool = new SaltPool();
    assert.equal(pool.admit(salt(1), START), true);
    assert.equal(pool.admit(salt(1), START + 61), true);
  });

  it("does not prolong the window when a salt is refused", () => {
    const pool = new SaltPool();
    pool.admit(salt(1), START);
    assert.equal(pool.admit(salt(1), START + 60), false);
    assert.equal(pool.admit(salt(1), START + 61), true);
  });

  it("keeps the window exact wherever the generations begin", () => {
    for (let offset = 0; offset <= 61; offset += 1) {
      const pool = new SaltPool({ startSeconds: START });
      pool.admit(salt(1), START + offset);
      assert.equal(pool.admit(salt(2), START + offset + 1), true);
      assert.equal(pool.admit(salt(1), START + offset + 60), false, `offset ${offset}`);
      assert.equal(pool.admit(salt(1), START + offset + 61), true, `offset ${offset}`);
    }
  });

  it("copies the salt", () => {
    const pool = new SaltPool();
    const buffer = salt(1);
    pool.admit(buffer, START);
    salt(2).copy(buffer);
    assert.equal(pool.admit(salt(1), START), false);
    assert.equal(pool.admit(salt(2), START), true);
  });

  it("tells apart salts that share a prefix, that hold any byte, and of different length", () => {
    const pool = new SaltPool();
    for (let byte = 0; byte < 256; byte += 1) assert.equal(pool.admit(Buffer.alloc(16, byte), START), true);
    for (let byte = 0; byte < 256; byte += 1) assert.equal(pool.admit(Buffer.alloc(32, byte), START), true);
    assert.equal(pool.entries, 512);
  });

  it("holds no more than two windows of salts", () => {
    const pool = new SaltPool({ windowSeconds: 10 });
    let most = 0;
    for (let i = 0; i < 3000; i += 1) {
      pool.admit(salt(i), START + Math.floor(i / 10));
      most = Math.max(most, pool.entries);
    }
    assert.ok(most <= 2 * 11 * 10, `${most} entries`);
    pool.admit(salt(3000), START + 1000);
    assert.equal(pool.entries, 1);
  });

  it("still refuses when the clock is set back", () => {
    const pool = new SaltPool();
    pool.admit(salt(1), START);
    assert.equal(pool.admit(salt(1), START - 3600), false);
  });

  it("agrees with a list of all salts and times", () => {
    const step = fc.record({ salt: fc.integer({ min: 0, max: 12 }), wait: fc.integer({ min: 0, max: 9 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), fc.integer({ min: 1, max: 20 }), (steps, windowSeconds) => {
        const pool = new SaltPool({ windowSeconds });
        const admittedAt = new Map<number, number>();
        let now = START;
        for (const { salt: n, wait } of steps) {
          now += wait;
          const last = admittedAt.get(n);
          const expected = last === undefined || now - last > windowSeconds;
          assert.equal(pool.admit(salt(n), now), expected);
          if (expected) admittedAt.set(n, now);
        }
      }),
      { numRuns: 200 },
    );
  });
});
