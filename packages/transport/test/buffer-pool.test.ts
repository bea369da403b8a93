import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { BufferPool } from "../src/buffer-pool.ts";

test("a taken buffer has room, and no two buffers out at once share memory", () => {
  const command = fc.record({ bytes: fc.integer({ min: 0, max: 700_000 }), giveBack: fc.boolean() });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const pool = new BufferPool(2_000_000);
      const out: Buffer[] = [];
      for (const { bytes, giveBack } of commands) {
        const buffer = pool.take(bytes);
        assert.ok(buffer.length >= bytes);
        assert.ok(out.every((other) => other.buffer !== buffer.buffer));
        out.push(buffer);
        if (giveBack) pool.give(out.shift()!);
        assert.ok(pool.heldBytes <= 2_000_000);
      }
    }),
    { numRuns: 50 },
  );
});

test("a given buffer is taken again, last first, by a request of its class", () => {
  const pool = new BufferPool();
  const first = pool.take(70_000);
  const second = pool.take(66_000);
  assert.equal(first.length, 80 * 1024);
  assert.equal(second.length, 80 * 1024);
  pool.give(first);
  pool.give(second);
  assert.equal(pool.heldBytes, 160 * 1024);
  assert.equal(pool.take(65_537), second);
  assert.equal(pool.take(81_920), first);
  assert.equal(pool.heldBytes, 0);
  assert.equal(pool.take(1).length, 4096);
});

test("what the pool keeps is bounded; giants are made to measure and never kept", () => {
  const pool = new BufferPool(100_000);
  const buffers = Array.from({ length: 5 }, () => pool.take(30_000));
  for (const buffer of buffers) pool.give(buffer);
  assert.equal(pool.heldBytes, 3 * 32 * 1024);
  const giant = pool.take(3_000_000);
  assert.equal(giant.length, 3_000_000);
  pool.give(giant);
  assert.equal(pool.heldBytes, 3 * 32 * 1024);
});
