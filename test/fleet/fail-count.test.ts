import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  eventually,
  holdClosedPort,
  type RedisServer,
  redisMissingReason,
  socks5Request,
  startEchoTarget,
  startRedis,
  type TcpTarget,
} from "@shadowfleet/testkit";
import { Api } from "./api.ts";
import { Fleet, redisStore } from "./fleet.ts";

const reason = redisMissingReason();
const DEAD = "dead";

describe("gateways share what they learn about failing servers", reason === undefined ? {} : { skip: reason, timeout: 120_000 }, () => {
  let redis: RedisServer;
  let fleet: Fleet;
  let api: Api;
  let echo: TcpTarget;

  before(async () => {
    redis = await startRedis();
    echo = await startEchoTarget();
    fleet = await Fleet.start({ store: redisStore(redis), tcpRelays: 2, gateways: 2 });
    api = new Api(fleet.managements[0]!.port);
  });
  after(async () => {
    api?.close();
    await fleet?.[Symbol.asyncDispose]();
    await echo?.close();
    await redis.stop();
  });

  async function connectThrough(gateway: { readonly host: string; readonly port: number }): Promise<void> {
    const { ok, reply, socket } = await socks5Request({ proxy: gateway, target: echo });
    socket.destroy();
    assert.ok(ok, `SOCKS5 reply ${reply}`);
  }

  /** failCnt of the dead upstream as a gateway itself sees it. */
  async function seenBy(gateway: (typeof fleet.gateways)[number]): Promise<number> {
    const line = (await gateway.process.metrics())
      .split("\n")
      .find((text) => text.startsWith("shadowsocks_upstream_fail_count") && text.includes(`upstream="${DEAD}"`));
    return line === undefined ? -1 : Number(line.split(" ").at(-1));
  }

  test("one dead server among three: what one gateway learns the other knows within a second, and a success clears it for both", async (t) => {
    const closed = await holdClosedPort();
    const { accessUri } = (await fleet.cli("key", "create", "alice")) as { readonly accessUri: string };
    const at = (host: string, port: number) => accessUri.replace(/@[^#/?]*/, `@${host}:${port}`);
    await fleet.cli("upstream", "add", at("127.0.0.1", closed.port), "--id", DEAD);
    for (const relay of fleet.tcpRelays) await fleet.cli("upstream", "add", at(relay.host, fleet.relayPort));
    const [first, second] = fleet.gateways;
    assert.ok(first && second);
    for (const gateway of [first, second]) await eventually("the gateway to know its upstreams", async () => (await seenBy(gateway)) === 0);

    await connectThrough(first);
    const learnedMs = performance.now();
    assert.equal(await seenBy(first), 1);
    await eventually("the second gateway to know", async () => (await seenBy(second)) === 1, 3_000);
    const elapsedMs = performance.now() - learnedMs;
    t.diagnostic(`learned by the second gateway after ${elapsedMs.toFixed(0)} ms`);
    assert.ok(elapsedMs < 1_000);
    assert.equal(await api.failCount(DEAD), 1);

    // The server returns: a relay now listens where nobody did. At failCnt 1 it is tried once in 21 requests.
    await closed.close();
    await using revived = await startEchoTarget({ port: closed.port });
    assert.ok(revived.port === closed.port);
    await eventually(
      "a try that succeeds",
      async () => {
        await connectThrough(first);
        return (await seenBy(first)) === 0;
      },
      60_000,
    );
    await eventually("the second gateway to know of the success", async () => (await seenBy(second)) === 0, 1_000);
    assert.equal(await api.failCount(DEAD), 0);
  });
});
