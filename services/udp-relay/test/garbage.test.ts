import assert from "node:assert/strict";
import { test } from "node:test";
import { PseudoRandom } from "@shadowfleet/testkit";
import type { UdpRelayApp } from "../src/app.ts";
import { FakeResolver } from "./fake-resolver.ts";
import { bindEcho, bindPeer, closeSocket, pause, until } from "./loopback.ts";
import { openClient, relayConfig, secretFor, startRelay } from "./relay-fixture.ts";

const LONGEST_PROBE = 300;
const METHODS = [
  "aes-256-gcm",
  "chacha20-ietf-poly1305",
  "2022-blake3-aes-128-gcm",
  "2022-blake3-chacha20-poly1305",
  "aes-256-cfb",
  "rc4-md5",
];

/** What the port has made of datagrams that came from clients. */
function handledUp(app: UdpRelayApp): number {
  let handled = 0;
  for (const { attributes, value } of app.counts.observe()) if (attributes?.["network.io.direction"] === "up") handled += value;
  return handled;
}

/** Every kind of datagram that is not quite a valid one. */
function garbage(valid: Buffer, random: PseudoRandom): Buffer[] {
  const datagrams: Buffer[] = [];
  for (let length = 0; length <= LONGEST_PROBE; length++)
    datagrams.push(random.bytes(length), Buffer.alloc(length), Buffer.alloc(length, 0xff));
  for (let length = 0; length < valid.length; length++) datagrams.push(Buffer.from(valid.subarray(0, length)));
  for (let bit = 0; bit < valid.length * 8; bit++) {
    const flipped = Buffer.from(valid);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    datagrams.push(flipped);
  }
  for (const length of [1500, 9000, 65_507]) datagrams.push(random.bytes(length));
  return datagrams;
}

for (const method of METHODS) {
  test(`${method}: no datagram closes the port, none but stream-cipher chance gets through, nothing comes back`, async (t) => {
    const config = relayConfig([{ method }], { allowPrivateTargets: false, allowTargets: ["127.0.0.1/32"] });
    // What a stream cipher makes of noise may be a name: none of these may reach a real resolver.
    const { port, clock, app, log } = await startRelay(t, config, { resolver: new FakeResolver() });
    const echo = await bindEcho(t);
    const client = await openClient(t, { method, port: port(), clock });
    const prober = await bindPeer(t);
    let answered = 0;
    prober.on("message", () => answered++);
    const datagrams = garbage(client.seal("127.0.0.1", echo.address().port, "valid"), new PseudoRandom(42));
    for (const [at, datagram] of datagrams.entries()) {
      prober.send(datagram, port(), "127.0.0.1");
      // The kernel's buffer for the port is finite: a burst larger than it would be lost, and prove nothing.
      if (at % 50 === 49) await until(() => handledUp(app) > at - 49);
    }
    const answer = await client.ask("127.0.0.1", echo.address().port, "still serving");
    assert.equal(String(answer.payload), "still serving");
    assert.equal(log.lines.filter(({ level }) => level === "error").length, 0);
    assert.equal(app.counts.count("up", "INTERNAL"), 0);
    assert.ok(app.counts.count("up", "TOO_SHORT") > 0);
    if (method.includes("cfb") || method.includes("rc4")) return;
    await pause(20);
    assert.deepEqual([handledUp(app), app.counts.count("up", "OK"), answered], [datagrams.length + 1, 1, 0]);
    assert.equal(app.sessions.size, 1);
  });
}

test("a flood faster than the port reads is lost in part, and the port serves on", async (t) => {
  const { port, clock, app } = await startRelay(t, relayConfig([{}]));
  const echo = await bindEcho(t);
  const prober = await bindPeer(t);
  const junk = new PseudoRandom(3).bytes(64);
  for (let at = 0; at < 20_000; at++) prober.send(junk, port(), "127.0.0.1");
  await until(() => app.counts.count("up", "AUTH_FAILED") > 100);
  const client = await openClient(t, { port: port(), clock });
  // The first tries may be lost with the rest of the flood.
  await until(() => {
    client.send("127.0.0.1", echo.address().port, "through");
    return client.answers.length > 0;
  });
});

test("a target that refuses disturbs no other", async (t) => {
  const { port, clock } = await startRelay(t, relayConfig([{}]));
  const [echo, closed] = [await bindEcho(t), await bindPeer(t)];
  const closedPort = closed.address().port;
  closeSocket(closed);
  const client = await openClient(t, { port: port(), clock });
  for (let round = 0; round < 5; round++) {
    client.send("127.0.0.1", closedPort, "is anyone there?");
    assert.equal(String((await client.ask("127.0.0.1", echo.address().port, `${round}`)).payload), `${round}`);
  }
});

test("garbage to the socket an association sends from reaches the client as it is and harms nothing", async (t) => {
  const { port, clock } = await startRelay(t, relayConfig([{}]));
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  let outbound = 0;
  echo.on("message", (_, relay) => {
    outbound = relay.port;
  });
  await client.ask("127.0.0.1", echo.address().port, "open");
  const stranger = await bindPeer(t);
  const random = new PseudoRandom(7);
  const lengths = [0, 1, 16, 300, 1500];
  for (const length of lengths) {
    const junk = random.bytes(length);
    stranger.send(junk, outbound, "127.0.0.1");
    const answer = await client.answer(1 + lengths.indexOf(length));
    assert.ok(answer.payload.equals(junk));
  }
});

test("a fault in handling a datagram costs that datagram, not the port", async (t) => {
  let isBroken = true;
  const { port, clock, app, log } = await startRelay(t, relayConfig([{}]), {
    resolver: {
      peek: () => {
        if (isBroken) throw new Error("a bug of the test");
        return { ok: true, addresses: [{ address: "127.0.0.1", family: 4 }] };
      },
      resolve: () => assert.fail("not asked"),
    },
  });
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  client.send("any.example", echo.address().port, "trips");
  await until(() => app.counts.count("up", "INTERNAL") === 1);
  assert.equal(log.lines.filter(({ code }) => code === "INTERNAL").length, 1);
  isBroken = false;
  assert.equal(String((await client.ask("any.example", echo.address().port, "passes")).payload), "passes");
});

test("a port with many keys survives garbage too", async (t) => {
  const method = "aes-128-gcm";
  const keys = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`key-${at}`, secretFor(method, at)]));
  const { port, clock, app } = await startRelay(t, relayConfig([{ method, keys }]));
  const echo = await bindEcho(t);
  const prober = await bindPeer(t);
  const random = new PseudoRandom(1);
  for (let length = 0; length <= LONGEST_PROBE; length += 3) {
    prober.send(random.bytes(length), port(), "127.0.0.1");
    if (length % 60 === 0) await pause(5);
  }
  const client = await openClient(t, { method, secret: secretFor(method, 19), port: port(), clock });
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "here")).payload), "here");
  assert.equal(app.sessions.size, 1);
});
