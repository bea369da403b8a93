import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type RedisServer, redisMissingReason, type SentinelSetup, startRedis, startSentinelSetup } from "@shadowfleet/testkit";
import { startAnswerDropper } from "./answer-dropper.ts";
import { Api } from "./api.ts";
import { Fleet, type FleetOptions, redisStore, settles } from "./fleet.ts";
import { Load } from "./load.ts";

const reason = redisMissingReason();
const CONNECTIONS = 6;
/** What six uploads move in one flush interval, generously: about 10 MB/s in all. */
const FLUSH_INTERVAL_BYTES = 20_000_000;

/** Each test: steady uploads through gateway and relay, something breaks, and the counters must equal what the sink received. */
describe("counters stay exact when something fails", reason === undefined ? {} : { skip: reason, timeout: 280_000 }, () => {
  let redis: RedisServer;
  let fleet: Fleet;
  let api: Api;

  before(async () => {
    redis = await startRedis({ appendonly: true, args: ["--appendfsync", "always"] });
  });
  after(() => redis.stop());

  async function startFleet(options: Partial<FleetOptions> = {}): Promise<void> {
    fleet = await Fleet.start({ store: redisStore(redis), tcpRelays: 2, gateways: 1, ...options });
    api = new Api(fleet.managements[0]!.port);
    const { accessUri } = (await fleet.cli("key", "create", "load")) as { readonly accessUri: string };
    for (const relay of fleet.tcpRelays) await fleet.cli("upstream", "add", accessUri.replace("@127.0.0.1:", `@${relay.host}:`));
    await sleep(500);
  }

  beforeEach(() => redis.cli("FLUSHALL"));
  afterEach(async () => {
    api?.close();
    await fleet?.[Symbol.asyncDispose]();
  });

  const startLoad = (): Promise<Load> => Load.start({ proxies: fleet.gateways, connections: CONNECTIONS });

  /** Counted minus received, once both stand still. */
  async function difference(load: Load): Promise<{ readonly bytes: number; readonly received: number }> {
    const received = await load.finish();
    const counted = await settles("the counters", () => api.totalBytes(), received, 20_000);
    return { bytes: counted - received, received };
  }

  test("(a) Redis stopped for 10 s and started again", async (t) => {
    await startFleet();
    await using load = await startLoad();
    await sleep(2_000);
    await redis.kill9();
    await sleep(10_000);
    await redis.start();
    await sleep(2_000);
    const { bytes, received } = await difference(load);
    t.diagnostic(`${received} bytes received, counted ${bytes} more`);
    assert.equal(bytes, 0);
  });

  test("(b) a management replica killed and started again", async (t) => {
    await startFleet({ managements: 2 });
    await using load = await startLoad();
    await sleep(1_000);
    await fleet.managements[1]!.kill();
    await sleep(2_000);
    await fleet.managements[1]!.start();
    await sleep(1_000);
    const { bytes, received } = await difference(load);
    t.diagnostic(`${received} bytes received, counted ${bytes} more`);
    assert.equal(bytes, 0);
  });

  test("(c) flushes that are applied but whose answers are lost", async (t) => {
    await using dropper = await startAnswerDropper(redis.port);
    await startFleet({ store: { type: "redis", url: `redis://127.0.0.1:${dropper.port}` } });
    await using load = await startLoad();
    await sleep(2_000);
    dropper.dropAnswers(true);
    await sleep(3_000);
    dropper.dropAnswers(false);
    await sleep(1_000);
    const { bytes, received } = await difference(load);
    t.diagnostic(`${received} bytes received, ${dropper.droppedBytes} bytes of answers dropped, counted ${bytes} more`);
    assert.ok(dropper.droppedBytes > 0, "no answer was lost");
    assert.equal(bytes, 0);
  });

  test("(d) a relay told to stop under load", async (t) => {
    await startFleet();
    await using load = await startLoad();
    await sleep(1_500);
    const relay = fleet.tcpRelays[0]!.process.program;
    relay.signal("SIGTERM");
    await sleep(1_500);
    const received = await load.finish();
    assert.deepEqual(await relay.exited, { code: 0, signal: null });
    const counted = await settles("the counters", () => api.totalBytes(), received);
    t.diagnostic(`${received} bytes received, counted ${counted - received} more`);
    assert.equal(counted, received);
  });

  test("(e) a relay killed: at most one flush interval is missing", async (t) => {
    await startFleet();
    await using load = await startLoad();
    await sleep(2_500);
    await fleet.tcpRelays[0]!.kill();
    await sleep(500);
    const received = await load.finish().catch(() => load.receivedBytes);
    await sleep(3_000);
    const counted = await api.totalBytes();
    t.diagnostic(`${received} bytes received, ${received - counted} not counted`);
    assert.ok(received - counted <= FLUSH_INTERVAL_BYTES, `${received - counted} bytes are missing`);
    // What the dead relay had sent on but the sink never received is counted too, so a little more is no error.
    assert.ok(counted - received <= FLUSH_INTERVAL_BYTES);
  });
});

describe("counters through a Sentinel failover", reason === undefined ? {} : { skip: reason, timeout: 120_000 }, () => {
  test("(f) the master killed under load", async (t) => {
    const setup: SentinelSetup = await startSentinelSetup();
    let fleet: Fleet | undefined;
    try {
      const store = {
        type: "redis",
        mode: "sentinel",
        hosts: setup.sentinels.map(({ host, port }) => `${host}:${port}`),
        sentinelName: setup.masterName,
      };
      fleet = await Fleet.start({ store, tcpRelays: 1, gateways: 1 });
      const api = new Api(fleet.managements[0]!.port);
      try {
        const { accessUri } = (await fleet.cli("key", "create", "load")) as { readonly accessUri: string };
        await fleet.cli("upstream", "add", accessUri);
        await sleep(500);
        await using load = await Load.start({ proxies: fleet.gateways, connections: CONNECTIONS });
        await sleep(2_000);
        await (await setup.master()).kill9();
        await sleep(6_000);
        const received = await load.finish();
        const counted = await settles("the counters", () => api.totalBytes(), received, 20_000);
        t.diagnostic(`${received} bytes received, counted ${counted - received} more`);
        // Replication is asynchronous: a batch the old master acknowledged may not have reached the new one.
        assert.ok(Math.abs(counted - received) <= FLUSH_INTERVAL_BYTES, `${counted - received} bytes`);
      } finally {
        api.close();
      }
    } finally {
      await fleet?.[Symbol.asyncDispose]();
      await setup.stop();
    }
  });
});
