import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SaltHistory } from "../../src/replay/salt-history.ts";

const salt = (n: number): Buffer => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(n);
  return bytes;
};

describe("SaltHistory", () => {
  it("refuses the last `capacity` salts whatever the time", () => {
    const capacity = 50;
    const history = new SaltHistory(capacity);
    for (let i = 0; i < 500; i += 1) {
      assert.equal(history.admit(salt(i), i * 1000), true);
      for (let back = Math.max(0, i - capacity + 1); back <= i; back += 1) assert.equal(history.admit(salt(back), 0), false);
      assert.ok(history.entries <= 2 * capacity);
    }
  });

  it("forgets what is older than two generations", () => {
    const history = new SaltHistory(10);
    for (let i = 0; i < 30; i += 1) history.admit(salt(i), 0);
    assert.equal(history.admit(salt(0), 0), true);
    assert.equal(history.admit(salt(29), 0), false);
  });

  it("copies the salt", () => {
    const history = new SaltHistory(10);
    const buffer = salt(1);
    history.admit(buffer, 0);
    buffer.fill(0xff);
    assert.equal(history.admit(salt(1), 0), false);
  });

  it("works with a capacity of one", () => {
    const history = new SaltHistory(1);
    assert.equal(history.admit(salt(1), 0), true);
    assert.equal(history.admit(salt(1), 0), false);
    assert.equal(history.admit(salt(2), 0), true);
    assert.equal(history.admit(salt(2), 0), false);
  });
});
