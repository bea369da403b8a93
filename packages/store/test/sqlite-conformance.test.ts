import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@shadowfleet/runtime";
import { SqliteStore } from "../src/index.ts";
import type { StoreHarness } from "./conformance/harness.ts";
import { conformance } from "./conformance.ts";

conformance("SQLite in memory", async () => {
  const clock = new ManualClock(Date.now());
  return sqliteHarness(
    clock,
    () => new SqliteStore({ path: ":memory:", clock }),
    async () => {},
  );
});

conformance("SQLite file", async () => {
  const clock = new ManualClock(Date.now());
  const dir = await mkdtemp(join(tmpdir(), "store-"));
  let files = 0;
  const open = () => new SqliteStore({ path: join(dir, "made", `${files++}.db`), clock });
  return sqliteHarness(clock, open, () => rm(dir, { recursive: true }));
});

function sqliteHarness(clock: ManualClock, open: () => SqliteStore, stop: () => Promise<void>): StoreHarness {
  return {
    fresh: async () => ({ store: open(), again: undefined }),
    pass: async (ms) => clock.advance(ms),
    // Nothing stands between it and its data: closed is the only way in which it does not answer.
    unreachable: () => {
      const store = open();
      void store.close();
      return store;
    },
    stop,
  };
}
