import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@shadowfleet/testkit";
import { type RedisSettings, RedisStore } from "../../src/index.ts";
import type { StoreHarness } from "./harness.ts";

/** Stores on a running Redis, each fresh one with a key prefix of its own. */
export async function redisHarness(settings: RedisSettings, stop: () => Promise<void>): Promise<StoreHarness> {
  const gone = { ...settings, hosts: [{ host: "127.0.0.1", port: await freePort() }] };
  let prefixes = 0;
  return {
    fresh: async () => {
      const keyPrefix = `test:${prefixes++}`;
      const open = () => new RedisStore({ ...settings, keyPrefix });
      return { store: open(), again: open };
    },
    pass: (ms) => sleep(ms),
    unreachable: () => new RedisStore(gone),
    stop,
  };
}
