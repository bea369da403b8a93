import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import { ManualClock } from "@shadowfleet/runtime";
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

test("where claims come too fast for the store, long windows are halved, down to what SIP022 needs; later they are whole again", async () => {
  const clock = new ManualClock();
  const asked: number[] = [];
  const salts = new StoreSalts({ claimSalt: async (_scope, _salt, windowSeconds) => asked.push(windowSeconds) > 0 }, clock);
  const claimFor = async (seconds: number, perSecond: number): Promise<number> => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      await Promise.all(Array.from({ length: perSecond }, () => salts.claim("alice", salt, 900)));
    }
    return asked.at(-1) ?? 0;
  };
  assert.equal(await claimFor(60, 100), 900, "90,000 salts in all");
  assert.equal(await claimFor(60, 200), 450, "nearly 180,000");
  assert.equal(await claimFor(40, 800), 120, "more than 500,000");
  await salts.claim("alice", salt, 120);
  assert.equal(asked.at(-1), 120);
  await salts.claim("alice", salt, 60);
  assert.equal(asked.at(-1), 60);
  assert.equal(await claimFor(200, 10), 900);
});

test("a process too busy to read in time still takes an answer that is here by then", async () => {
  const salts = new StoreSalts({ claimSalt: async () => !(await stat(".")).isDirectory() });
  const claim = salts.claim("alice", salt, 60);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  assert.equal(await claim, "seen");
});
