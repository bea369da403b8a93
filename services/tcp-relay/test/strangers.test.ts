import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { eventually, freePort, PseudoRandom, probe, startEchoTarget } from "@shadowfleet/testkit";
import { relayConfig, startRelay, startSingle } from "./relay-fixture.ts";
import { ShadowClient } from "./shadow-client.ts";

const METHOD = "chacha20-ietf-poly1305";
const FLOODER = "127.0.0.66";

/** Connects and sends nothing; how it is closed. */
function silentClient(port: number, localAddress: string): { readonly socket: Socket; readonly closed: Promise<string> } {
  const socket = connect({ host: "127.0.0.1", port, localAddress, allowHalfOpen: true });
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  socket.on("end", () => resolve("fin"));
  socket.on("error", (error) => resolve(error.message));
  socket.resume();
  return { socket, closed };
}

describe("strangers", () => {
  test("above the cap of a source its oldest is closed with FIN, and a client of that source is served", async () => {
    const limits = { strangersPerSource: 4, strangers: 6 };
    await using relay = await startSingle(METHOD, "pw", { limits, timeouts: { handshake: "60s" } });
    await using target = await startEchoTarget();
    const elsewhere = silentClient(relay.port, "127.0.0.7");
    await eventually("one stranger", () => relay.app.connections === 1);
    const flood: ReturnType<typeof silentClient>[] = [];
    for (let n = 1; n <= 10; n++) {
      flood.push(silentClient(relay.port, FLOODER));
      await eventually(`${n} of the flood accepted`, () => relay.metrics.observed("shadowsocks.strangers.active") === 1 + Math.min(n, 4));
    }
    for (const { closed } of flood.slice(0, 6)) assert.equal(await closed, "fin");
    assert.equal(relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "HANDSHAKE_LIMIT" }), 6);
    assert.equal(relay.metrics.observed("shadowsocks.strangers.displaced", { limit: "source" }), 6);
    assert.ok(relay.log.lines.filter(({ code }) => code === "HANDSHAKE_LIMIT").every(({ level }) => level === "debug"));

    using client = await ShadowClient.open({
      port: relay.port,
      localAddress: FLOODER,
      method: METHOD,
      secret: "pw",
      target,
      payload: Buffer.from("served"),
    });
    assert.equal((await client.receive(6)).toString(), "served");
    // Authenticated, it is no stranger any more and nobody's to displace.
    for (let n = 0; n < 20; n++) flood.push(silentClient(relay.port, `127.0.1.${n}`));
    await eventually("the cap in all", () => relay.metrics.observed("shadowsocks.strangers.displaced", { limit: "total" }) === 18);
    assert.equal(relay.metrics.observed("shadowsocks.strangers.active"), 6);
    client.write(Buffer.from(" still"));
    assert.equal((await client.receive(12)).toString(), "served still");
    for (const { socket } of [elsewhere, ...flood]) socket.destroy();
  });

  test("refused and silent ones make room alike, in order of accept", async () => {
    await using relay = await startSingle(METHOD, "pw", { limits: { strangersPerSource: 2 }, timeouts: { handshake: "60s" } });
    const order: string[] = [];
    const random = new PseudoRandom(3);
    const sockets: Socket[] = [];
    for (const [n, length] of [0, 300, 20, 300, 0, 1].entries()) {
      const { socket, closed } = silentClient(relay.port, FLOODER);
      sockets.push(socket);
      if (length > 0) socket.write(random.bytes(length));
      void closed.then((how) => order.push(`${n} ${how}`));
      await eventually(
        `${n} watched`,
        () => relay.metrics.observed("shadowsocks.strangers.displaced", { limit: "source" }) === Math.max(0, n - 1),
      );
      await eventually(`${n} displaced`, () => order.length === Math.max(0, n - 1));
    }
    assert.deepEqual(order, ["0 fin", "1 fin", "2 fin", "3 fin"]);
    for (const socket of sockets) socket.destroy();
  });

  test("over the budget of key trials a handshake ends as every refused one does; known clients of that address are served", async () => {
    const port = await freePort();
    const keys = Array.from({ length: 40 }, (_, n) => ({ id: `key-${n}`, secret: `secret ${n}` }));
    const config = relayConfig({
      ports: [{ port, host: "127.0.0.1", method: METHOD, keys }],
      limits: { keyTrialsPerSource: 20 },
      timeouts: { handshake: "1s" },
    });
    await using relay = await startRelay(config);
    await using target = await startEchoTarget();
    const served = async (key: number, localAddress: string): Promise<string> => {
      const secret = `secret ${key}`;
      using client = await ShadowClient.open({ port, localAddress, method: METHOD, secret, target, payload: Buffer.from("hello") });
      return (await client.receive(5)).toString();
    };
    assert.equal(await served(30, "127.0.0.1"), "hello");
    const random = new PseudoRandom(5);
    const wrong = () => probe({ host: "127.0.0.1", port, pieces: [random.bytes(200)], deadlineMs: 8000 });
    const results = await Promise.all(Array.from({ length: 12 }, wrong));
    for (const { received, close, closedAfterMs } of results) {
      assert.deepEqual([received.length, close], [0, "fin"]);
      assert.ok(closedAfterMs > 950 && closedAfterMs < 4000, `${closedAfterMs} ms`);
    }
    const failures = (code: string) => relay.metrics.total("shadowsocks.handshake.failures", { "error.type": code });
    assert.equal(failures("AUTH_FAILED") + failures("TRIAL_LIMIT"), 12);
    assert.ok(failures("AUTH_FAILED") >= 2 && failures("TRIAL_LIMIT") >= 5, `${failures("AUTH_FAILED")}, ${failures("TRIAL_LIMIT")}`);
    await Promise.all(Array.from({ length: 10 }, wrong));
    assert.equal(await served(30, "127.0.0.1"), "hello", "its key is tried first, whatever the flood has used up");
    assert.equal(await served(12, "127.0.0.9"), "hello", "another address is not concerned");
  });
});
