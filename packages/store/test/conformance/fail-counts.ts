import assert from "node:assert/strict";
import { it } from "node:test";
import { MAX_FAIL_COUNT } from "../../src/index.ts";
import { listen, openPair, type StoreHarness } from "./harness.ts";

export function failCountTests(harness: () => StoreHarness): void {
  it("counts failures up to the cap and clears them", async (t) => {
    const [store, other] = await openPair(t, harness());
    assert.deepEqual(await store.readFailCounts(), new Map());
    const counts = await Promise.all(Array.from({ length: MAX_FAIL_COUNT + 5 }, (_, at) => (at % 2 ? store : other).addFailure("east")));
    assert.deepEqual(
      counts.toSorted((a, b) => a - b),
      Array.from({ length: MAX_FAIL_COUNT + 5 }, (_, at) => Math.min(at + 1, MAX_FAIL_COUNT)),
    );
    assert.equal(await store.addFailure("west"), 1);
    assert.deepEqual(
      await other.readFailCounts(),
      new Map([
        ["east", MAX_FAIL_COUNT],
        ["west", 1],
      ]),
    );
    await other.clearFailures("east");
    assert.deepEqual(await store.readFailCounts(), new Map([["west", 1]]));
    assert.equal(await store.addFailure("east"), 1);
  });

  it("announces every failure, and a clearing that cleared something", async (t) => {
    const [store, other] = await openPair(t, harness());
    const listeners = [await listen(t, store), await listen(t, other)];
    await store.clearFailures("count");
    await store.addFailure("count");
    await other.addFailure("count");
    await store.clearFailures("count");
    await store.clearFailures("count");
    await other.addFailure("upstream");
    for (const { events, until } of listeners) {
      await until("the last announcement", () => events.length >= 4);
      assert.deepEqual(
        events.map((event) => event.type === "fail-count" && [event.upstreamId, event.count]),
        [
          ["count", 1],
          ["count", 2],
          ["count", 0],
          ["upstream", 1],
        ],
      );
    }
  });
}
