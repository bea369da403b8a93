import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { redisSays } from "@shadowfleet/testkit";
import type { ChaosFault } from "../chaos-fault.ts";
import type { ChaosFleet } from "../chaos-fleet.ts";
import { UNNOTICED } from "../limits.ts";
import { assertWritesRefused, writesAreTaken } from "../writes.ts";

const part = "redis";
const SLOW_MS = 250;

/** The store away, slow, forgetful or full. Traffic never waits for it. */
export function redisFaults(fleet: ChaosFleet, lastsMs: number): ChaosFault[] {
  const { redis, disk, redisLink: link } = fleet.store;
  return [
    {
      id: "redis-killed",
      name: "Redis killed (SIGKILL), started again with its AOF",
      part,
      limits: UNNOTICED,
      happen: async () => {
        await redis.kill9();
        await assertWritesRefused(fleet.api);
        await sleep(lastsMs);
        await redis.start();
        await writesAreTaken(fleet.api);
      },
    },
    {
      id: "redis-empty",
      name: "Redis killed (SIGKILL), started again empty",
      part,
      // What was flushed since management last looked (5 s) it cannot restore.
      limits: { ...UNNOTICED, uncountedS: 6 },
      losesCounts: true,
      happen: async () => {
        await redis.kill9();
        await rm(join(disk.dir, "appendonlydir"), { recursive: true });
        await sleep(lastsMs);
        await redis.start();
        await writesAreTaken(fleet.api);
      },
    },
    {
      id: "redis-partition",
      name: "no byte passes between Redis and everybody",
      part,
      limits: UNNOTICED,
      happen: async () => {
        link.mode = "hold";
        await assertWritesRefused(fleet.api);
        await sleep(lastsMs);
        link.mode = "pass";
        await writesAreTaken(fleet.api);
      },
    },
    {
      id: "redis-frozen",
      name: "Redis frozen (SIGSTOP)",
      part,
      limits: UNNOTICED,
      happen: async () => {
        redis.pause();
        await sleep(lastsMs);
        redis.resume();
        await writesAreTaken(fleet.api);
      },
    },
    {
      id: "redis-slow",
      name: `Redis ${SLOW_MS} ms away, each way`,
      part,
      limits: UNNOTICED,
      happen: async () => {
        link.delayMs = SLOW_MS;
        await sleep(lastsMs);
        await writesAreTaken(fleet.api);
        link.delayMs = 0;
      },
    },
    {
      id: "redis-answers-lost",
      name: "Redis does what it is asked, its answers are lost",
      part,
      limits: UNNOTICED,
      happen: async () => {
        const before = link.lostBytes;
        link.mode = "lose-answers";
        await sleep(lastsMs);
        link.mode = "pass";
        assert.ok(link.lostBytes > before, "no answer was lost");
        await writesAreTaken(fleet.api);
      },
    },
    {
      id: "redis-disk-full",
      name: "Redis' disk full: it refuses writes (MISCONF)",
      part,
      limits: UNNOTICED,
      happen: async () => {
        // With `always` it would end itself rather than answer.
        await redis.cli("CONFIG", "SET", "appendfsync", "everysec");
        await disk.fill();
        // What is left of the file's last page is used first.
        await redisSays("the file cannot be written", async () => /aof_last_write_status:err/.test(await redis.cli("INFO", "persistence")));
        await assertWritesRefused(fleet.api);
        await sleep(lastsMs);
        await disk.empty();
        await writesAreTaken(fleet.api);
        await redis.cli("CONFIG", "SET", "appendfsync", "always");
      },
    },
  ];
}
