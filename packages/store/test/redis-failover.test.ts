import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  eventually,
  expectNoOpenHandles,
  type RedisServer,
  redisInfoField,
  redisMissingReason,
  redisSays,
  startRedisCluster,
  startSentinelSetup,
} from "@shadowfleet/testkit";
import { type FleetStore, type RedisSettings, RedisStore } from "../src/index.ts";
import { Flusher } from "./conformance/flusher.ts";
import { type Listener, listen, newestRevision, putKey, rejectsAsUnavailable } from "./conformance/harness.ts";

/** What a fleet may wait for a new master: the setups call one dead after 1 to 1.5 s. */
const FAILOVER_MS = 12_000;

/** Replication is asynchronous: what no replica has got yet goes with its master, and these tests are not about that. */
async function isReplicated(master: RedisServer): Promise<void> {
  const info = () => master.cli("INFO", "replication");
  const written = Number(redisInfoField(await info(), "master_repl_offset"));
  const acknowledged = async () => Number(/offset=(\d+)/.exec(redisInfoField(await info(), "slave0") ?? "")?.[1]);
  await redisSays("a replica to have what was written", async () => (await acknowledged()) >= written);
}

/** Writes and flushes while `fail` takes the master away and until it has a successor; everything acknowledged must be there. */
async function survives(
  t: TestContext,
  settings: RedisSettings,
  master: () => Promise<RedisServer>,
  fail: (master: RedisServer) => Promise<void>,
): Promise<{ listener: Listener; store: FleetStore }> {
  const store = new RedisStore(settings);
  const other = new RedisStore(settings);
  t.after(() => Promise.all([store.close(), other.close()]));
  const listener = await listen(t, other);
  const flusher = new Flusher(store);
  const running = flusher.run(2);
  await store.write(putKey("before"));
  await sleep(300);
  const failing = await master();
  await isReplicated(failing);
  const failedAtMs = performance.now();
  await fail(failing);
  await rejectsAsUnavailable("a write", () => store.write(putKey("refused")));
  await eventually(
    "a write that is taken",
    () =>
      store.write(putKey("after")).then(
        ({ outcome }) => outcome === "written",
        () => false,
      ),
    FAILOVER_MS,
  );
  const awayMs = performance.now() - failedAtMs;
  await sleep(500);
  flusher.stop();
  await running;
  for (const each of [store, other]) await eventually("an answer", () => answers(each), FAILOVER_MS);
  const state = await store.readState();
  assert.deepEqual([...state.keys.keys()].filter((id) => id !== "refused").sort(), ["after", "before"]);
  assert.deepEqual((await other.readTraffic({ kind: "fleet" })).total, flusher.acknowledged);
  await listener.until("the write after it", (events) => newestRevision(events) === state.revision, FAILOVER_MS);
  t.diagnostic(
    `away for ${Math.round(awayMs)} ms; ${flusher.sequence} batches, ${flusher.rejected} rejected calls, ${flusher.duplicates} found applied: difference 0 bytes`,
  );
  return { listener, store };
}

const answers = (store: FleetStore): Promise<boolean> =>
  store.ping().then(
    () => true,
    () => false,
  );

/** False too while it does not answer. */
async function isReplica(server: RedisServer): Promise<boolean> {
  const info = await server.cli("INFO", "replication").catch(() => "");
  return redisInfoField(info, "role") === "slave";
}

describe("Redis failing over", { skip: redisMissingReason() ?? false }, () => {
  expectNoOpenHandles();

  it("Sentinel: the master killed under load", async (t) => {
    const fleet = await startSentinelSetup();
    t.after(() => fleet.stop());
    const settings = { mode: "sentinel", hosts: fleet.sentinels, sentinelName: fleet.masterName } as const;
    const { listener } = await survives(t, settings, fleet.master, (master) => master.kill9());
    // Nothing was lost, so nobody has to read everything again.
    assert.deepEqual(new Set(listener.events.map(({ type }) => type)), new Set(["changes"]));
  });

  it("Sentinel: the master hangs, and comes back as a replica", async (t) => {
    const fleet = await startSentinelSetup();
    t.after(() => fleet.stop());
    const settings = { mode: "sentinel", hosts: fleet.sentinels, sentinelName: fleet.masterName } as const;
    const first = await fleet.master();
    const { listener, store } = await survives(
      t,
      settings,
      async () => first,
      async (master) => master.pause(),
    );
    first.resume();
    // Sentinel cuts connections as it makes a replica of it.
    await redisSays("the old master to follow the new one", () => isReplica(first));
    const { revision } = await store.readState();
    await store.write(putKey("later"));
    await listener.until("a later write", (events) => newestRevision(events) === revision + 1);
  });

  it("Cluster: the node of the configuration killed under load", async (t) => {
    const cluster = await startRedisCluster();
    t.after(() => cluster.stop());
    const settings = { mode: "cluster", hosts: cluster.nodes.slice(0, 3) } as const;
    const { listener } = await survives(
      t,
      settings,
      () => cluster.masterOf("{shadowfleet:config}:meta"),
      (master) => master.kill9(),
    );
    assert.deepEqual(new Set(listener.events.map(({ type }) => type)), new Set(["changes"]));
  });

  it("Cluster: the node of the configuration hangs, and comes back as a replica", async (t) => {
    const cluster = await startRedisCluster();
    t.after(() => cluster.stop());
    const settings = { mode: "cluster", hosts: cluster.nodes.slice(0, 3) } as const;
    const first = await cluster.masterOf("{shadowfleet:config}:meta");
    const { listener, store } = await survives(
      t,
      settings,
      async () => first,
      async (master) => master.pause(),
    );
    first.resume();
    await redisSays("the old node to follow the new one", () => isReplica(first));
    const { revision } = await store.readState();
    await store.write(putKey("later"));
    await listener.until("a later write", (events) => newestRevision(events) === revision + 1);
  });

  it("Cluster: the node of the counters killed under load", async (t) => {
    const cluster = await startRedisCluster();
    t.after(() => cluster.stop());
    const store = new RedisStore({ mode: "cluster", hosts: cluster.nodes.slice(0, 3) });
    t.after(() => store.close());
    const flusher = new Flusher(store);
    const running = flusher.run(2);
    await sleep(300);
    const failing = await cluster.masterOf("{shadowfleet:traffic}:meta");
    await isReplicated(failing);
    await failing.kill9();
    await eventually("rejected flushes", () => flusher.rejected > 0);
    // The configuration is another node's and goes on.
    await eventually(
      "a write meanwhile",
      () =>
        store.write(putKey("meanwhile")).then(
          () => true,
          () => false,
        ),
      1_000,
    );
    const acknowledged = flusher.sequence;
    await eventually("more flushes", () => flusher.sequence > acknowledged + 20, FAILOVER_MS);
    flusher.stop();
    await running;
    assert.deepEqual((await store.readTraffic({ kind: "fleet" })).total, flusher.acknowledged);
  });
});
