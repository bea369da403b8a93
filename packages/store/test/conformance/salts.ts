import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it } from "node:test";
import { openPair, type StoreHarness } from "./harness.ts";

const WINDOW_S = 60;

export function saltTests(harness: () => StoreHarness): void {
  it("gives a salt to one of many who claim it at once, and to nobody later", async (t) => {
    const [store, other] = await openPair(t, harness());
    for (const length of [16, 24, 32]) {
      const salt = randomBytes(length);
      const claims = await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 ? store : other).claimSalt("key", salt, WINDOW_S)));
      assert.equal(claims.filter((isFirst) => isFirst).length, 1);
      assert.equal(await other.claimSalt("key", salt, WINDOW_S), false);
      assert.equal(await store.claimSalt("key", salt, 2 * WINDOW_S), false);
    }
  });

  it("tells scopes and salts apart, however they are cut", async (t) => {
    const [store, other] = await openPair(t, harness());
    const salt = Buffer.from("0123456789abcdef");
    assert.equal(await store.claimSalt("a", salt, WINDOW_S), true);
    assert.equal(await other.claimSalt("b", salt, WINDOW_S), true);
    assert.equal(await other.claimSalt("a0", salt.subarray(1), WINDOW_S), true);
    assert.equal(await store.claimSalt("a", salt.subarray(1), WINDOW_S), true);
    assert.equal(await store.claimSalt("key ÿ {x}: y", Buffer.alloc(32), WINDOW_S), true);
    assert.equal(await other.claimSalt("key ÿ {x}: y", Buffer.alloc(32), WINDOW_S), false);
  });

  it("forgets a salt after its window, each its own", async (t) => {
    const [store, other] = await openPair(t, harness());
    const [short, long] = [randomBytes(32), randomBytes(32)];
    assert.equal(await store.claimSalt("key", long, WINDOW_S), true);
    assert.equal(await store.claimSalt("key", short, 1), true);
    assert.equal(await other.claimSalt("key", short, 1), false);
    await harness().pass(1_100);
    assert.equal(await other.claimSalt("key", long, 1), false);
    assert.equal(await other.claimSalt("key", short, 1), true);
  });
}
