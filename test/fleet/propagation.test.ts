import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { AccessKey } from "@shadowfleet/control-api";
import { systemEnvironment } from "@shadowfleet/runtime";
import {
  eventually,
  openSocket,
  type RedisServer,
  redisMissingReason,
  startEchoTarget,
  startRedis,
  startTcpTarget,
  type TcpTarget,
} from "@shadowfleet/testkit";
import { addressFrom, createClientStream, deriveCredential } from "@shadowfleet/wire";
import { Api } from "./api.ts";
import { Fleet, redisStore } from "./fleet.ts";

const reason = redisMissingReason();
const CREATIONS = 200;
const BLOCK = Buffer.alloc(64 * 1024, 0x5a);

function sendForever(socket: Socket): void {
  const more = (): void => {
    while (socket.writable && socket.write(BLOCK));
  };
  socket.on("drain", more).resume();
  more();
}

/** How long an operator's change takes until the last relay acts on it. */
describe("changes reach every relay within a second", reason === undefined ? {} : { skip: reason, timeout: 200_000 }, () => {
  let redis: RedisServer;
  let fleet: Fleet;
  let api: Api;
  let echo: TcpTarget;

  before(async () => {
    redis = await startRedis();
    fleet = await Fleet.start({ store: redisStore(redis), managements: 2, tcpRelays: 2 });
    api = new Api(fleet.managements[0]!.port);
    echo = await startEchoTarget();
  });
  after(async () => {
    api?.close();
    await fleet?.[Symbol.asyncDispose]();
    await echo?.close();
    await redis.stop();
  });

  async function createKey(id: string): Promise<{ readonly method: string; readonly secret: string }> {
    const { accessKeys } = api.clients;
    const { accessKey } = await api.call(accessKeys, accessKeys.createAccessKey, {
      accessKey: AccessKey.fromPartial({ id }),
      requestId: "",
    });
    assert.ok(accessKey);
    return accessKey;
  }

  /** Whether the relay at that address accepts the key now: the echo answers within 50 ms. */
  async function accepts(host: string, { method, secret }: { readonly method: string; readonly secret: string }): Promise<boolean> {
    const derived = deriveCredential(method, secret);
    assert.ok(derived.ok);
    const socket = await openSocket({ host, port: fleet.relayPort });
    try {
      socket.write(
        createClientStream(derived.credential, systemEnvironment).sealRequest(addressFrom(echo.host, echo.port)!, Buffer.from("?")),
      );
      return await new Promise((resolve) => {
        socket.once("data", () => resolve(true));
        socket.once("close", () => resolve(false));
        setTimeout(() => resolve(false), 50);
      });
    } finally {
      socket.destroy();
    }
  }

  test(`${CREATIONS} keys created: p99 until every relay accepts the key is under 1 s`, async (t) => {
    const times: number[] = [];
    for (let index = 0; index < CREATIONS; index++) {
      const key = await createKey(`key-${index}`);
      const createdMs = performance.now();
      for (const { host } of fleet.tcpRelays) await eventually("the relay to accept the key", () => accepts(host, key), 5_000);
      times.push(performance.now() - createdMs);
    }
    times.sort((a, b) => a - b);
    const [p50, p99] = [times[CREATIONS / 2]!, times[Math.floor(CREATIONS * 0.99)]!];
    t.diagnostic(`created to accepted by both relays: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`);
    assert.ok(p99 < 1_000, `p99 ${p99} ms`);
  });

  test("a key deleted: its live downloads end on every relay in under 1 s", async (t) => {
    const key = await createKey("doomed");
    await using source = await startTcpTarget(sendForever);
    const derived = deriveCredential(key.method, key.secret);
    assert.ok(derived.ok);
    const downloads = await Promise.all(
      fleet.tcpRelays.map(async ({ host }) => {
        await eventually("the relay to accept the key", () => accepts(host, key), 5_000);
        const socket = await openSocket({ host, port: fleet.relayPort });
        let bytes = 0;
        const closed = new Promise<number>((resolve) => socket.once("close", () => resolve(performance.now())));
        socket.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
        });
        socket.write(
          createClientStream(derived.credential, systemEnvironment).sealRequest(addressFrom(source.host, source.port)!, Buffer.from("?")),
        );
        await eventually("the download to run", () => bytes > 12_500_000, 10_000);
        return { closed };
      }),
    );
    const { accessKeys } = api.clients;
    const deletedMs = performance.now();
    await api.call(accessKeys, accessKeys.deleteAccessKey, { id: "doomed", resourceVersion: 0n });
    const ends = await Promise.all(downloads.map(({ closed }) => closed));
    const elapsed = Math.max(...ends.map((at) => at - deletedMs));
    t.diagnostic(`deleted to ended on both relays: ${elapsed.toFixed(0)} ms`);
    assert.ok(elapsed < 1_000, `${elapsed} ms`);
  });
});
