import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type ErrorCode, systemClock } from "@shadowfleet/runtime";
import { MemoryFailCounts } from "@shadowfleet/store";
import {
  blackHole,
  createMemoryLogger,
  eventually,
  expectNoOpenHandles,
  holdClosedPort,
  RecordingMetrics,
  startSinkTarget,
} from "@shadowfleet/testkit";
import { CachingResolver, type Connection } from "@shadowfleet/transport";
import { ClassicPolicy } from "../src/upstream/classic-policy.ts";
import { Connector } from "../src/upstream/connector.ts";
import type { Upstream } from "../src/upstream/upstream.ts";
import { namedUpstreams } from "./upstreams.ts";

expectNoOpenHandles();

function createConnector(ports: Readonly<Record<string, number>>, dialTimeoutMs = 2000) {
  const upstreams: Upstream[] = namedUpstreams(...Object.keys(ports)).map((upstream) => ({ ...upstream, port: ports[upstream.id]! }));
  const failCounts = new MemoryFailCounts();
  const metrics = new RecordingMetrics();
  const picker = new ClassicPolicy(upstreams, failCounts, () => 0.99);
  const resolver = new CachingResolver();
  const { logger } = createMemoryLogger();
  const connector = new Connector({
    picker,
    endpointOf: (upstream) => upstream,
    dialTimeoutMs,
    resolver,
    metrics,
    logger,
    clock: systemClock,
  });
  const tries = () =>
    metrics.measurements
      .filter(({ name }) => name === "shadowsocks.upstream.picks")
      .map(({ attributes: { upstream, result } }) => `${upstream} ${result}`);
  return { connector, failCounts, tries };
}

/** What to do with a connection that stands: whether the first bytes could be sent. */
type Send = (upstream: Upstream, connection: Connection) => boolean;

/** Searches to the end. */
function connect(connector: Connector, send: Send): Promise<"OK" | ErrorCode> {
  const { promise, resolve, reject } = Promise.withResolvers<"OK" | ErrorCode>();
  const search = connector.search({
    upstreamStands(upstream, connection) {
      if (!send(upstream, connection)) {
        search.fallen();
        return;
      }
      search.taken();
      resolve("OK");
    },
    searchFailed: resolve,
    searchBroke: reject,
  });
  search.start();
  return promise;
}

async function startTarget(t: TestContext): Promise<{ readonly port: number; readonly open: number }> {
  const target = await startSinkTarget();
  t.after(() => target.close());
  return target;
}

test("a connection that falls before the first write is a failed try: failCnt rises, it is closed, and the next upstream is due", async (t) => {
  const [first, second] = [await startTarget(t), await startTarget(t)];
  const { connector, failCounts, tries } = createConnector({ first: first.port, second: second.port });
  const opened: Connection[] = [];
  const outcome = await connect(connector, (upstream, connection) => {
    if (upstream.id === "first") return false;
    opened.push(connection);
    return true;
  });
  assert.equal(outcome, "OK");
  assert.deepEqual(tries(), ["first DIAL_FAILED", "second OK"]);
  assert.deepEqual([failCounts.get("first"), failCounts.get("second"), opened.length], [1, 0, 1]);
  opened[0]?.destroy();
  await eventually("both connections are closed", () => first.open + second.open === 0);
});

test("when all fail the last reason counts, and each was tried once", async (t) => {
  await using closed = await holdClosedPort();
  const { port: hole } = await blackHole(t, "127.0.0.1");
  const { connector, tries } = createConnector({ a: closed.port, b: hole, c: closed.port }, 150);
  const send = () => assert.fail("nothing stands");
  assert.equal(await connect(connector, send), "DIAL_REFUSED");
  assert.deepEqual(tries(), ["a DIAL_REFUSED", "b DIAL_TIMEOUT", "c DIAL_REFUSED"]);
  assert.equal(await connect(connector, send), "DIAL_REFUSED", "skipped ones are tried as the last resort");
  assert.equal(tries().length, 6);
});

test("without upstreams: NO_UPSTREAM", async () => {
  const { connector } = createConnector({});
  assert.equal(await connect(connector, () => true), "NO_UPSTREAM");
});

test("given up while dialling: nobody is blamed and nobody else is tried", async (t) => {
  const { port: hole } = await blackHole(t, "127.0.0.1");
  const { connector, failCounts, tries } = createConnector({ hole, other: hole }, 10_000);
  const told = () => assert.fail("told after it was given up");
  const search = connector.search({ upstreamStands: told, searchFailed: told, searchBroke: told });
  search.start();
  await setTimeout(50);
  search.cancel();
  await setTimeout(50);
  assert.deepEqual([tries(), failCounts.get("hole")], [[], 0]);
});

test("a relay that moved to another address under its name is found at the next try, not when the name's time is over", async (t) => {
  const target = await startTarget(t);
  const addresses = ["127.0.0.99"];
  const resolver = new CachingResolver({ lookup: async () => addresses.map((address) => ({ address, family: 4 as const })) });
  const upstream = { ...namedUpstreams("moving")[0]!, host: "relay.example", port: target.port };
  const { logger } = createMemoryLogger();
  const picker = new ClassicPolicy([upstream], new MemoryFailCounts(), () => 0.99);
  const metrics = new RecordingMetrics();
  const connector = new Connector({
    picker,
    endpointOf: (upstream) => upstream,
    dialTimeoutMs: 2_000,
    resolver,
    metrics,
    logger,
    clock: systemClock,
  });
  const send: Send = (_, connection) => {
    connection.destroy();
    return true;
  };
  assert.equal(await connect(connector, send), "DIAL_REFUSED");
  addresses[0] = "127.0.0.1";
  assert.equal(await connect(connector, send), "OK");
});
