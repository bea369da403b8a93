import assert from "node:assert/strict";
import { test } from "node:test";
import { SqliteStore } from "@shadowfleet/store";
import { StoreSalts } from "../src/index.ts";

const salt = Buffer.alloc(32, 7);

test("one claim of a salt is told fresh, within its scope", async (t) => {
  const store = new SqliteStore({ path: ":memory:" });
  t.after(() => store.close());
  const [here, there] = [new StoreSalts(store), new StoreSalts(store)];
  const claims = await Promise.all([here, there, here, there].map((salts) => salts.claim("alice", salt, 60)));
  assert.deepEqual(claims.toSorted(), ["fresh", "seen", "seen", "seen"]);
  assert.equal(await there.claim("bob", salt, 60), "fresh");
});

test("a store that refuses, is closed or does not answer is unavailable, soon", async () => {
  const store = new SqliteStore({ path: ":memory:" });
  await store.close();
  assert.equal(await new StoreSalts(store).claim("alice", salt, 60), "unavailable");
  const silent = new StoreSalts({ claimSalt: () => new Promise(() => {}) });
  const startedMs = performance.now();
  assert.equal(await silent.claim("alice", salt, 60), "unavailable");
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs > 200 && tookMs < 2_000, `answered after ${tookMs} ms`);
  let calls = 0;
  const lost = new StoreSalts({
    claimSalt: async () => {
      calls++;
      throw new Error("the answer was lost");
    },
  });
  assert.equal(await lost.claim("alice", salt, 60), "unavailable");
  assert.equal(calls, 1, "a claim is not made twice");
});
