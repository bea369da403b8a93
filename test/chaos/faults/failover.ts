import { setTimeout as sleep } from "node:timers/promises";
import { startSentinelSetup } from "@shadowfleet/testkit";
import { ChaosFleet } from "../chaos-fleet.ts";
import { UNNOTICED } from "../limits.ts";
import { type ChaosResult, suffer } from "../suffer.ts";
import { writesAreTaken } from "../writes.ts";

/** Until the sentinels have agreed (they wait 1 s) and the new master is used. */
const FAILOVER_MS = 4_000;

/** A fleet of its own, whose Redis has a replica and sentinels; its master is killed. */
export async function sufferFailover(): Promise<ChaosResult> {
  await using setup = await startSentinelSetup();
  const hosts = setup.sentinels.map(({ host, port }) => `${host}:${port}`);
  await using chaos = await ChaosFleet.start({ store: { type: "redis", mode: "sentinel", hosts, sentinelName: setup.masterName } });
  return await suffer(chaos, {
    id: "redis-failover",
    name: "Redis' master killed (SIGKILL), its replica takes over",
    part: "redis",
    // Replication is asynchronous: what the old master acknowledged last the new one may never have got.
    limits: { ...UNNOTICED, uncountedS: 2 },
    losesCounts: true,
    happen: async () => {
      await (await setup.master()).kill9();
      await sleep(FAILOVER_MS);
      await writesAreTaken(chaos.api);
    },
  });
}
