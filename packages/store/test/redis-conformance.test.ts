import { redisMissingReason, startRedis } from "@shadowfleet/testkit";
import { redisHarness } from "./conformance/redis-harness.ts";
import { conformance } from "./conformance.ts";

const setUp = async () => {
  const server = await startRedis();
  return redisHarness({ hosts: [server] }, () => server.stop());
};

conformance("Redis", setUp, redisMissingReason());
