import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { isAnswerSalt, markAnswerSalt } from "../../src/replay/answer-salt.ts";

const [key, other] = [randomBytes(32), randomBytes(32)];

for (const length of [16, 24, 32]) {
  test(`a marked salt of ${length} bytes is known under its key alone, and a random one is not marked`, () => {
    const salt = randomBytes(length);
    assert.equal(isAnswerSalt(key, salt), false);
    const before = Buffer.from(salt);
    markAnswerSalt(key, salt);
    assert.equal(isAnswerSalt(key, salt), true);
    assert.equal(isAnswerSalt(other, salt), false);
    assert.deepEqual(salt.subarray(0, length - 4), before.subarray(0, length - 4), "the rest stays as random as it was");
    for (let at = 0; at < length; at++) {
      const changed = Buffer.from(salt);
      changed[at]! ^= 1;
      assert.equal(isAnswerSalt(key, changed), false, `byte ${at}`);
    }
  });
}

test("marks are spread like random bytes", () => {
  const counts = new Uint32Array(256);
  for (let n = 0; n < 4_096; n++) {
    const salt = Buffer.alloc(32);
    salt.writeUInt32BE(n);
    markAnswerSalt(Buffer.alloc(32, 1), salt);
    for (const byte of salt.subarray(28)) counts[byte]!++;
  }
  // 16,384 bytes: 64 of each expected; chi-square with 255 degrees of freedom stays below 400 but once in 10^8.
  const chiSquare = counts.reduce((sum, count) => sum + (count - 64) ** 2 / 64, 0);
  assert.ok(chiSquare < 400, `chi-square ${chiSquare}`);
});

for (const length of [16, 24, 32]) {
  test(`the mark under a key of ${length} bytes is the beginning of a SHA-1 over label, key and salt`, () => {
    const own = randomBytes(length);
    const salt = randomBytes(length);
    const labelled = Buffer.concat([Buffer.from("shadowfleet answer salt"), own], 64);
    const expected = hash("sha1", Buffer.concat([labelled, salt.subarray(0, length - 4)]), "buffer");
    markAnswerSalt(own, salt);
    assert.deepEqual(salt.subarray(length - 4), expected.subarray(0, 4));
  });
}
