import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { ConfigUpstream } from "@shadowfleet/control-api";
import { FakeConfigService, type FakeStream } from "@shadowfleet/control-api/testing";
import { FleetError, systemClock } from "@shadowfleet/runtime";
import { SqliteStore } from "@shadowfleet/store";
import {
  createMemoryLogger,
  eventually,
  expectNoOpenHandles,
  freePort,
  type MemoryLogger,
  RecordingMetrics,
  type SocksEndpoint,
  socks5Request,
  startEchoTarget,
} from "@shadowfleet/testkit";
import { createApp, type GatewayApp } from "../src/app.ts";
import { loadGatewayConfig } from "../src/config.ts";
import { startTestUpstream, type TestUpstream } from "./test-upstream.ts";

interface FleetGateway {
  readonly app: GatewayApp;
  readonly management: FakeConfigService;
  readonly stream: FakeStream;
  readonly log: MemoryLogger;
  readonly metrics: RecordingMetrics;
  /** Where it listens. */
  readonly proxy: SocksEndpoint;
}

/** A gateway of a fleet whose management is a fake. `random` decides what the circuit breaker passes: 1 nothing that failed, 0 everything. */
async function startFleetGateway(t: TestContext, store: SqliteStore, random = () => 0.999): Promise<FleetGateway> {
  const management = await FakeConfigService.start();
  const log = createMemoryLogger();
  const metrics = new RecordingMetrics();
  const fleet = { management: { address: `127.0.0.1:${management.port}`, insecure: true }, store: { type: "memory" }, memberId: "gw-1" };
  const config = loadGatewayConfig({ name: "test", data: { listen: { port: 0 }, timeouts: { dial: "1s" }, fleet } });
  const app = createApp(config, { logger: log.logger, metrics, clock: systemClock, store, random });
  await app.start();
  t.after(async () => {
    await app.drain(0);
    management.stop();
  });
  return { app, management, stream: await management.streamNumber(1), log, metrics, proxy: app.address };
}

function newStore(t: TestContext): SqliteStore {
  const store = new SqliteStore({ path: ":memory:" });
  t.after(() => store.close());
  return store;
}

function record(id: string, order: number, { host, port, method, secret }: TestUpstream["entry"]): ConfigUpstream {
  return ConfigUpstream.fromPartial({ id, order: BigInt(order), host, port, method, secret });
}

async function deadEntry(): Promise<TestUpstream["entry"]> {
  return { host: "127.0.0.1", port: await freePort(), method: "aes-128-gcm", secret: "nobody is there" };
}

/** Sends a byte to the echo target through the proxy; whether it came back. */
async function request(proxy: SocksEndpoint, target: { readonly host: string; readonly port: number }): Promise<boolean> {
  const { ok, socket } = await socks5Request({ proxy, target });
  if (!ok) return false;
  const answered = new Promise<boolean>((resolve) => {
    socket.once("data", () => resolve(true));
    socket.once("close", () => resolve(false));
  });
  socket.write("x");
  const isAnswered = await answered;
  socket.destroy();
  return isAnswered;
}

const failCount = (gateway: FleetGateway, id: string) => gateway.app.explainPick().find(({ upstreamId }) => upstreamId === id)?.failCount;

const transitions = ({ log }: FleetGateway) =>
  log.lines.filter(({ msg }) => msg === "failCnt changed").map(({ upstream, from, to, why }) => `${upstream} ${from}->${to} ${why}`);

describe("gateway in a fleet", () => {
  test("is not ready before it has a configuration, serves through management's upstreams in their order, then needs nobody", async (t) => {
    const store = newStore(t);
    const gateway = await startFleetGateway(t, store);
    const { app, management, stream } = gateway;
    await using echo = await startEchoTarget();
    const [first, second] = [await startTestUpstream(t), await startTestUpstream(t)];
    assert.deepEqual([app.readiness().ready, app.readiness().details.configuration], [false, "none yet"]);
    stream.snapshot({ upstreams: [record("second", 20, second.entry), record("first", 10, first.entry)] });
    await eventually("the upstreams", () => app.readiness().ready);
    assert.ok(await request(gateway.proxy, echo));
    assert.deepEqual([first.requests.length, second.requests.length], [1, 0]);
    stream.delta({ upstreams: [record("second", 5, second.entry)] });
    await eventually("the new order", () => app.explainPick()[0]?.upstreamId === "second");
    assert.ok(await request(gateway.proxy, echo));
    assert.equal(second.requests.length, 1);
    management.stop();
    await eventually("the outage", () => app.readiness().details.management === "away");
    assert.match(String(app.readiness().details.managementReason), /^127\.0\.0\.1:\d+: ./);
    assert.ok(await request(gateway.proxy, echo));
    assert.deepEqual([app.readiness().ready, second.requests.length], [true, 2]);
  });

  test("a removed upstream keeps its connections; a bad one is left out with a line that shows no secret", async (t) => {
    const gateway = await startFleetGateway(t, newStore(t));
    const { app, stream, log } = gateway;
    await using echo = await startEchoTarget();
    const [old, fresh] = [await startTestUpstream(t), await startTestUpstream(t)];
    stream.snapshot({ upstreams: [record("old", 1, old.entry)] });
    await eventually("the upstream", () => app.readiness().ready);
    const { ok, socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
    assert.ok(ok);
    const bad = { ...fresh.entry, method: "2022-blake3-aes-128-gcm", secret: "not a key at all" };
    stream.delta({ removedUpstreams: ["old"], upstreams: [record("bad", 2, bad), record("fresh", 3, fresh.entry)] });
    await eventually(
      "the change",
      () =>
        app
          .explainPick()
          .map(({ upstreamId }) => upstreamId)
          .join() === "fresh",
    );
    const answered = new Promise((resolve) => socket.once("data", resolve));
    socket.write("still here");
    assert.equal(String(await answered), "still here");
    socket.destroy();
    assert.ok(await request(gateway.proxy, echo));
    assert.deepEqual([old.requests.length, fresh.requests.length], [1, 1]);
    const line = log.lines.find(({ code }) => code === "CONFIG_INVALID");
    assert.match(line?.msg ?? "", /^upstream bad/);
    assert.ok(!log.text.includes(bad.secret) && !log.text.includes(fresh.secret));
  });

  test("two gateways share what they learn, within a second, and each transition is a line", async (t) => {
    const store = newStore(t);
    const [a, b] = [await startFleetGateway(t, store), await startFleetGateway(t, store)];
    await using echo = await startEchoTarget();
    const [dead, live] = [await deadEntry(), await startTestUpstream(t)];
    for (const { stream, app } of [a, b]) {
      stream.snapshot({ upstreams: [record("dead", 1, dead), record("live", 2, live.entry)] });
      await eventually("the upstreams", () => app.explainPick().length === 2);
    }
    assert.ok(await request(a.proxy, echo), "the next one serves");
    const learnedMs = performance.now();
    await eventually("b to learn", () => failCount(b, "dead") === 1);
    assert.ok(performance.now() - learnedMs < 1000);
    assert.equal(failCount(a, "dead"), 1);
    assert.equal(b.metrics.observed("shadowsocks.upstream.fail.count", { upstream: "dead" }), 1);
    assert.ok(await request(b.proxy, echo));
    assert.equal(failCount(b, "dead"), 1, "b does not try what a knows to be dead");
    assert.deepEqual([transitions(a), transitions(b)], [["dead 0->1 failure"], ["dead 0->1 shared"]]);
    const back = await startTestUpstream(t, {});
    for (const { stream } of [a, b]) stream.delta({ upstreams: [record("dead", 1, back.entry)] });
    for (const { app } of [a, b]) await eventually("the address", () => app.explainPick()[0]?.upstreamId === "dead");
    await store.clearFailures("dead");
    await eventually("both to show 0", () => failCount(a, "dead") === 0 && failCount(b, "dead") === 0);
    assert.ok(await request(a.proxy, echo));
    await eventually("the upstream that is back", () => back.requests.length === 1);
    assert.deepEqual([transitions(a).at(-1), transitions(b).at(-1)], ["dead 1->0 shared", "dead 1->0 shared"]);
  });

  test("one success clears failCnt on both", async (t) => {
    const store = newStore(t);
    // 0: whatever failed is tried all the same.
    const [a, b] = [await startFleetGateway(t, store, () => 0), await startFleetGateway(t, store)];
    await using echo = await startEchoTarget();
    const upstream = await startTestUpstream(t);
    for (let n = 0; n < 3; n++) await store.addFailure("flaky");
    for (const gateway of [a, b]) {
      gateway.stream.snapshot({ upstreams: [record("flaky", 1, upstream.entry)] });
      await eventually("the count", () => failCount(gateway, "flaky") === 3);
    }
    assert.ok(await request(a.proxy, echo));
    await eventually("both to show 0", () => failCount(a, "flaky") === 0 && failCount(b, "flaky") === 0);
    assert.equal((await store.readFailCounts()).get("flaky") ?? 0, 0);
    assert.deepEqual([transitions(a).at(-1), transitions(b).at(-1)], ["flaky 3->0 success", "flaky 3->0 shared"]);
  });

  test("while the store is away it goes on with its own counts, and hands them over afterwards", async (t) => {
    const store = newStore(t);
    const add = store.addFailure.bind(store);
    let away = false;
    store.addFailure = async (id) => {
      if (away) throw new FleetError("STORE_UNAVAILABLE", "away");
      return await add(id);
    };
    const [a, b] = [await startFleetGateway(t, store), await startFleetGateway(t, store)];
    await using echo = await startEchoTarget();
    const [dead, live] = [await deadEntry(), await startTestUpstream(t)];
    for (const { stream, app } of [a, b]) {
      stream.snapshot({ upstreams: [record("dead", 1, dead), record("live", 2, live.entry)] });
      await eventually("the upstreams", () => app.explainPick().length === 2);
    }
    away = true;
    assert.ok(await request(a.proxy, echo));
    assert.ok(await request(a.proxy, echo));
    assert.deepEqual([failCount(a, "dead"), failCount(b, "dead"), a.app.readiness().ready], [1, 0, true]);
    away = false;
    await eventually("b to learn", () => failCount(b, "dead") === 1);
    assert.equal((await store.readFailCounts()).get("dead"), 1);
  });

  test("told to drain: not ready, takes no new clients, keeps those it has", async (t) => {
    const gateway = await startFleetGateway(t, newStore(t));
    const { app, stream, management } = gateway;
    await using echo = await startEchoTarget();
    const upstream = await startTestUpstream(t);
    stream.snapshot({ upstreams: [record("u", 1, upstream.entry)] });
    await eventually("the upstream", () => app.readiness().ready);
    const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
    stream.command({ $case: "drainMemberId", value: "gw-2" });
    stream.command({ $case: "drainMemberId", value: "gw-1" });
    await eventually("the drain", () => !app.readiness().ready);
    await eventually("the report", () => management.reports.at(-1)?.member?.draining === true);
    assert.deepEqual(
      [management.reports.at(-1)?.member?.kind, management.reports.at(-1)?.member?.sessionCount, management.reports.at(-1)?.ports],
      [1, 1, []],
    );
    const answered = new Promise((resolve) => socket.once("data", resolve));
    socket.write("goes on");
    assert.equal(String(await answered), "goes on");
    await assert.rejects(socks5Request({ proxy: gateway.proxy, target: echo }));
    socket.destroy();
  });
});

expectNoOpenHandles();
