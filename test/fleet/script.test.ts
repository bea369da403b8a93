import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type RedisServer, redisMissingReason, runCurl, startRedis, startTcpTarget, type TcpTarget } from "@shadowfleet/testkit";
import { MIB, udpEchoThrough, uploadThrough } from "../interop/exchanges.ts";
import { Api } from "./api.ts";
import { Fleet, redisStore, settles } from "./fleet.ts";

const reason = redisMissingReason();
const BODY = "hello from the page\n";

/** The walk of docs/fleet.md: separate processes, a real Redis, a key by one command, traffic, exact counters. */
describe("a fleet of separate processes", reason === undefined ? {} : { skip: reason }, () => {
  let redis: RedisServer;
  let fleet: Fleet;
  let page: TcpTarget;
  let api: Api;

  before(async () => {
    redis = await startRedis();
    fleet = await Fleet.start({ store: redisStore(redis), managements: 2, tcpRelays: 2, udpRelays: 1, gateways: 2 });
    api = new Api(fleet.managements[1]!.port);
    page = await startTcpTarget((socket) => {
      socket.once("data", () => socket.end(`HTTP/1.0 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`));
    });
  });
  after(async () => {
    api?.close();
    await fleet?.[Symbol.asyncDispose]();
    await page?.close();
    await redis.stop();
  });

  test("a key made by one command serves through every gateway, and the counters equal what was sent", async () => {
    const created = (await fleet.cli("key", "create", "alice")) as { readonly accessUri: string };
    for (const relay of fleet.tcpRelays) await fleet.cli("upstream", "add", created.accessUri.replace("@127.0.0.1:", `@${relay.host}:`));

    for (const { port } of fleet.gateways) {
      const answer = await runCurl([
        "--retry",
        "5",
        "--retry-all-errors",
        "--retry-delay",
        "1",
        "-x",
        `socks5h://127.0.0.1:${port}`,
        `http://127.0.0.1:${page.port}/`,
      ]);
      assert.equal(answer.stdout, BODY, answer.stderr);
    }
    const subject = { $case: "accessKeyId", value: "alice" } as const;
    const before = await settles("the bytes of the curl runs", () => api.totalBytes(subject), 1);
    let sent = 0;
    for (const gateway of fleet.gateways) {
      await uploadThrough(gateway, MIB + 7);
      sent += MIB + 7;
    }
    for (const gateway of fleet.gateways) {
      await udpEchoThrough(gateway);
      // Up and down of each of its four payloads.
      sent += 2 * (1 + 64 + 512 + 1200);
    }
    const counted = await settles("the key's bytes", () => api.totalBytes(subject), before + sent);
    assert.equal(counted - before, sent);
    const relays = ["tcp-relay-1", "tcp-relay-2", "udp-relay-1"];
    const parts = await Promise.all(relays.map((value) => api.totalBytes({ $case: "memberId", value })));
    assert.equal(
      parts.reduce((sum, part) => sum + part, 0),
      counted,
      "the sum over relays",
    );
    assert.equal(await api.totalBytes(), counted, "the fleet's total");
  });

  test("both management replicas show the same fleet", async () => {
    const views = await Promise.all(
      fleet.managements.map(async ({ port }) => {
        const one = new Api(port);
        try {
          const { fleet: service, accessKeys } = one.clients;
          const { members } = await one.call(service, service.getFleet, {});
          const keys = await one.call(accessKeys, accessKeys.listAccessKeys, { pageSize: 0, pageToken: "", port: 0 });
          return { members: members.map(({ id, ready }) => ({ id, ready })), keys: keys.accessKeys.map(({ id }) => id) };
        } finally {
          one.close();
        }
      }),
    );
    assert.deepEqual(views[0], views[1]);
    assert.deepEqual(views[0]?.keys, ["alice"]);
    assert.deepEqual(views[0]?.members.map(({ id }) => id).toSorted(), [
      "gateway-1",
      "gateway-2",
      "tcp-relay-1",
      "tcp-relay-2",
      "udp-relay-1",
    ]);
    assert.ok(views[0]?.members.every(({ ready }) => ready));
  });
});
