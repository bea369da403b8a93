import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { saltHash } from "../../src/replay/salt-hash.ts";
import { ABSENT, SaltTable } from "../../src/replay/salt-table.ts";

describe("SaltTable", () => {
  it("does what a map does, whatever the salts, their lengths and their number", () => {
    const salt = fc.uint8Array({ maxLength: 40 });
    const step = fc.tuple(salt, fc.nat({ max: 2 ** 32 - 1 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = new SaltTable();
        const map = new Map<string, number>();
        for (const [bytes, number] of steps) {
          const own = Buffer.from(bytes);
          const known = map.get(own.toString("hex"));
          assert.equal(table.get(own, saltHash(own)), known ?? ABSENT);
          table.set(own, saltHash(own), number);
          map.set(own.toString("hex"), number);
        }
        assert.equal(table.size, map.size);
        for (const [name, number] of map) assert.equal(table.get(Buffer.from(name, "hex"), saltHash(Buffer.from(name, "hex"))), number);
      }),
    );
  });

  it("tells apart salts of one hash", () => {
    const table = new SaltTable();
    const salts = Array.from({ length: 200 }, () => randomBytes(32));
    for (const [n, salt] of salts.entries()) table.set(salt, 7, n);
    for (const [n, salt] of salts.entries()) assert.equal(table.get(salt, 7), n);
    assert.equal(table.get(randomBytes(32), 7), ABSENT);
  });

  it("is empty once cleared, and fills again", () => {
    const table = new SaltTable();
    const salts = Array.from({ length: 1000 }, () => randomBytes(16));
    for (const salt of salts) table.set(salt, saltHash(salt), 1);
    table.clear();
    assert.equal(table.size, 0);
    for (const salt of salts) assert.equal(table.get(salt, saltHash(salt)), ABSENT);
    for (const salt of salts) table.set(salt, saltHash(salt), 2);
    assert.equal(table.size, 1000);
    for (const salt of salts) assert.equal(table.get(salt, saltHash(salt)), 2);
  });
});

describe("saltHash", () => {
  it("spreads salts that differ in one bit, and tells a salt from a longer one", () => {
    const hashes = new Set<number>();
    for (let bit = 0; bit < 256; bit += 1) {
      const salt = Buffer.alloc(32);
      salt[bit >> 3] = 1 << (bit & 7);
      hashes.add(saltHash(salt));
    }
    for (let length = 0; length <= 32; length += 1) hashes.add(saltHash(Buffer.alloc(length)));
    // 289 values of 32 bits: two of them meet once in 100,000 runs, three pairs never.
    assert.ok(hashes.size >= 287, `${hashes.size} different ones`);
  });
});
