import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { trace } from "@opentelemetry/api";
import {
  eventually,
  expectNoOpenHandles,
  freePort,
  RecordingMetrics,
  type RedisOptions,
  type RedisServer,
  recordSpans,
  redisMissingReason,
  startRedis,
  startRedisCluster,
} from "@shadowfleet/testkit";
import { RedisStore } from "../src/index.ts";
import { batch, delta, putKey, rejectsAsUnavailable } from "./conformance/harness.ts";

const DURATION = "db.client.operation.duration.seconds";
const SECRET = "planted-secret-5f1c";

async function setUp(
  t: TestContext,
  options: RedisOptions = {},
): Promise<{ server: RedisServer; store: RedisStore; metrics: RecordingMetrics }> {
  const server = await startRedis(options);
  const metrics = new RecordingMetrics();
  const store = new RedisStore({ hosts: [server], metrics });
  t.after(async () => {
    await store.close();
    await server.stop();
  });
  return { server, store, metrics };
}

/** As a call of the API would: what the work does is done for it. */
const inSpan = <T>(work: () => Promise<T>): Promise<T> =>
  trace.getTracer("test").startActiveSpan("caller", (span) => work().finally(() => span.end()));

describe("calls to Redis", { skip: redisMissingReason() ?? false }, () => {
  expectNoOpenHandles();

  it("are measured by command or script and by result, but for the read that waits", async (t) => {
    const { store, metrics } = await setUp(t);
    await store.write(putKey("a"));
    await store.readFailCounts();
    await store.applyTraffic(batch(1, [delta("a", 1, { tcpUp: 1 })]));
    const subscription = await store.subscribe({ revision: 0, generation: "" }, () => {});
    await store.write(putKey("b"));
    await eventually("the feed fetched what changed", () => metrics.recorded(DURATION, { "db.operation.name": "HMGET" }).length > 0);
    await subscription.close();
    for (const operation of ["writeConfiguration", "HGETALL", "applyTraffic", "feedPosition", "changesSince"])
      assert.ok(metrics.recorded(DURATION, { "db.operation.name": operation, "error.type": "OK" }).length > 0, operation);
    assert.deepEqual(metrics.recorded(DURATION, { "db.operation.name": "XREAD" }), []);
    const slowest = Math.max(...metrics.recorded(DURATION));
    assert.ok(slowest > 0 && slowest < 2, `${slowest} s`);
  });

  it("that are not answered count as that", async (t) => {
    const { server, store, metrics } = await setUp(t);
    await store.ping();
    await server.kill9();
    await rejectsAsUnavailable("a write", () => store.write(putKey("a")));
    assert.equal(metrics.recorded(DURATION, { "db.operation.name": "writeConfiguration", "error.type": "STORE_UNAVAILABLE" }).length, 1);
  });

  it("are spans below the call they are made for, and name neither keys nor values", async (t) => {
    const { server, store } = await setUp(t);
    await store.ping();
    await using recorder = await recordSpans();
    await inSpan(() => store.write(putKey("a", { secret: SECRET, displayName: SECRET })));
    const [caller] = recorder.named("caller");
    const [write, ...more] = recorder.spans.filter(({ kind }) => kind === "client");
    assert.deepEqual(more, []);
    assert.deepEqual(
      [write?.name, write?.parentSpanId, write?.traceId, write?.isError],
      ["writeConfiguration", caller?.spanId, caller?.traceId, false],
    );
    assert.deepEqual(write?.attributes, {
      "db.system.name": "redis",
      "db.operation.name": "writeConfiguration",
      "server.address": server.host,
      "server.port": server.port,
    });
    await store.ping();
    assert.equal(recorder.spans.length, 2, "what nobody asked for is no trace");
    assert.ok(!JSON.stringify(recorder.spans).includes(SECRET));
    assert.ok((await server.cli("HGETALL", "{shadowfleet:config}:keys")).includes(SECRET), "the secret was written");
  });

  it("that fail are failed spans, without what Redis or ioredis said", async (t) => {
    const port = await freePort();
    const store = new RedisStore({ hosts: [{ host: "127.0.0.1", port }] });
    t.after(() => store.close());
    await using recorder = await recordSpans();
    await assert.rejects(inSpan(() => store.write(putKey("a", { secret: SECRET }))));
    const [write] = recorder.named("writeConfiguration");
    assert.deepEqual([write?.isError, write?.attributes["error.type"]], [true, "STORE_UNAVAILABLE"]);
    assert.ok(!JSON.stringify(recorder.spans).includes(SECRET));
  });
});

describe("the servers", { skip: redisMissingReason() ?? false }, () => {
  it("say how they are: memory, clients, commands, keys of the database, append-only file", async (t) => {
    const { server, store } = await setUp(t, { appendonly: true, args: ["--maxmemory", "100mb"] });
    await store.write(putKey("a"));
    const [first, ...more] = await store.readServers();
    assert.deepEqual(more, []);
    assert.equal(first?.node, `127.0.0.1:${server.port}`);
    const { memoryBytes, memoryLimitBytes, clients, commands, keys, uptimeSeconds, isAofOk, replicas } = first!;
    assert.ok(memoryBytes > 100_000 && memoryBytes < memoryLimitBytes, `${memoryBytes} bytes`);
    assert.deepEqual([memoryLimitBytes, keys, isAofOk, replicas], [100 * 1024 * 1024, Number(await server.cli("DBSIZE")), true, 0]);
    assert.ok(clients >= 1 && commands > 0 && uptimeSeconds >= 0 && uptimeSeconds < 60);
    const [second] = await store.readServers();
    assert.ok(second!.commands > commands);
  });

  it("count the keys of the fleet's database alone, and tell that there is no append-only file", async (t) => {
    const { server } = await setUp(t);
    const store = new RedisStore({ hosts: [server], database: 3 });
    t.after(() => store.close());
    await server.cli("SET", "foreign", "1");
    assert.equal((await store.readServers())[0]?.keys, 0);
    await store.write(putKey("a"));
    assert.equal((await store.readServers())[0]?.keys, Number(await server.cli("-n", "3", "DBSIZE")));
    assert.equal((await store.readServers())[0]?.isAofOk, false);
  });

  it("of a cluster are its masters, and one that is away is left out", async (t) => {
    await using cluster = await startRedisCluster();
    const store = new RedisStore({ mode: "cluster", hosts: cluster.nodes.slice(0, 1) });
    t.after(() => store.close());
    await store.ping();
    const servers = await store.readServers();
    assert.equal(new Set(servers.map(({ node }) => node)).size, 3);
    assert.deepEqual(
      servers.map(({ replicas }) => replicas),
      [1, 1, 1],
    );
    const gone = await cluster.masterOf("anything");
    await gone.kill9();
    const left = (await store.readServers()).map(({ node }) => node);
    assert.equal(left.length, 2);
    assert.ok(!left.includes(`127.0.0.1:${gone.port}`));
  });

  it("that do not answer are a rejection", async (t) => {
    const store = new RedisStore({ hosts: [{ host: "127.0.0.1", port: await freePort() }] });
    t.after(() => store.close());
    await rejectsAsUnavailable("readServers", () => store.readServers());
  });
});
