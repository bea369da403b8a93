import { redisMissingReason, startRedisCluster } from "@shadowfleet/testkit";
import { redisHarness } from "./conformance/redis-harness.ts";
import { conformance } from "./conformance.ts";

const setUp = async () => {
  const cluster = await startRedisCluster();
  return redisHarness({ mode: "cluster", hosts: cluster.nodes.slice(0, 2) }, cluster.stop);
};

conformance("Redis Cluster", setUp, redisMissingReason());
