import { redisMissingReason, startSentinelSetup } from "@shadowfleet/testkit";
import { redisHarness } from "./conformance/redis-harness.ts";
import { conformance } from "./conformance.ts";

const setUp = async () => {
  const fleet = await startSentinelSetup();
  return redisHarness({ mode: "sentinel", hosts: fleet.sentinels, sentinelName: fleet.masterName }, fleet.stop);
};

conformance("Redis through Sentinel", setUp, redisMissingReason());
