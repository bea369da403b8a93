import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "@shadowfleet/testkit";
import { FakeResolver } from "./fake-resolver.ts";
import { bindEcho, bindPeer, pause, until } from "./loopback.ts";
import { openClient, relayConfig, secretFor, startRelay, TestClient } from "./relay-fixture.ts";

const SIP022 = "2022-blake3-aes-256-gcm";

test("the same client address on two ports has two associations, each answered with its port's key", async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const ports = [
    { port: first, keys: { alice: secretFor("aes-128-gcm", 1) } },
    { port: second, keys: { alice: secretFor("aes-128-gcm", 2) } },
  ];
  const { clock, app } = await startRelay(t, relayConfig(ports));
  const echo = await bindEcho(t);
  const outbound = new Set<number>();
  echo.on("message", (_, relay) => outbound.add(relay.port));
  const socket = await bindPeer(t);
  const one = new TestClient({ secret: secretFor("aes-128-gcm", 1), port: first, clock }, socket);
  const two = new TestClient({ secret: secretFor("aes-128-gcm", 2), port: second, clock }, socket);
  for (const round of [0, 1]) {
    assert.equal(String((await one.ask("127.0.0.1", echo.address().port, "a")).payload), "a");
    assert.equal(String((await two.ask("127.0.0.1", echo.address().port, "b")).payload), "b");
    // Each codec sees the other's answers on the shared socket, and refuses them.
    assert.deepEqual([one.refused, two.refused], [round + 1, round + 1]);
  }
  assert.equal(outbound.size, 2);
  assert.deepEqual(
    app.sessions
      .list()
      .map(({ port }) => port)
      .toSorted(),
    [first, second].toSorted(),
  );
});

test("the same client address with another key on the same port is another association", async (t) => {
  const keys = { alice: secretFor("aes-128-gcm", 1), bob: secretFor("aes-128-gcm", 2) };
  const { port, clock, app } = await startRelay(t, relayConfig([{ keys }]));
  const echo = await bindEcho(t);
  const socket = await bindPeer(t);
  const alice = new TestClient({ secret: keys.alice, port: port(), clock }, socket);
  const bob = new TestClient({ secret: keys.bob, port: port(), clock }, socket);
  for (let round = 0; round < 3; round++) {
    assert.equal(String((await alice.ask("127.0.0.1", echo.address().port, "a")).payload), "a");
    assert.equal(String((await bob.ask("127.0.0.1", echo.address().port, "b")).payload), "b");
  }
  assert.equal(app.sessions.size, 2);
  assert.deepEqual([app.keys.key("alice")?.meter.udp.up, app.keys.key("bob")?.meter.udp.up], [3, 3]);
});

test("two clients that ask the same server, one by name and one by address, each get answers from its address", async (t) => {
  const resolver = new FakeResolver({ "service.example": ["127.0.0.1"] });
  const { port, clock } = await startRelay(t, relayConfig([{}]), { resolver });
  const echo = await bindEcho(t);
  const [byName, byAddress] = [await openClient(t, { port: port(), clock }), await openClient(t, { port: port(), clock })];
  for (let round = 0; round < 2; round++) {
    const named = await byName.ask("service.example", echo.address().port, "n");
    const addressed = await byAddress.ask("127.0.0.1", echo.address().port, "a");
    assert.deepEqual([named.source, addressed.source], [addressed.source, named.source]);
    assert.deepEqual([named.source.host, String(named.payload), String(addressed.payload)], ["127.0.0.1", "n", "a"]);
  }
});

test("SIP022: a client that changes its address keeps its association, and answers follow it", async (t) => {
  const { port, clock, app } = await startRelay(t, relayConfig([{ method: SIP022 }]));
  const target = await bindPeer(t);
  const client = await openClient(t, { method: SIP022, port: port(), clock });
  const outbound: number[] = [];
  target.on("message", (_, relay) => outbound.push(relay.port));
  client.send("127.0.0.1", target.address().port, "from here");
  await until(() => outbound.length === 1);
  client.moveTo(await bindPeer(t));
  client.send("127.0.0.1", target.address().port, "from there");
  await until(() => outbound.length === 2);
  assert.equal(outbound[0], outbound[1]);
  target.send("found you", outbound[0], "127.0.0.1");
  assert.equal(String((await client.answer(0)).payload), "found you");
  const [session] = app.sessions.list();
  assert.deepEqual([app.sessions.size, session?.clientPort], [1, client.localPort]);
});

test("SIP022: two clients behind one address have an association each", async (t) => {
  const { port, clock, app } = await startRelay(t, relayConfig([{ method: SIP022 }]));
  const echo = await bindEcho(t);
  const socket = await bindPeer(t);
  const clients = [1, 2].map(() => new TestClient({ method: SIP022, port: port(), clock }, socket));
  for (const client of clients) await client.ask("127.0.0.1", echo.address().port, "hello");
  assert.equal(app.sessions.size, 2);
});

for (const method of ["aes-256-gcm", SIP022, "2022-blake3-chacha20-poly1305"]) {
  test(`${method}: a replayed datagram is dropped and counted, and moves no answer`, async (t) => {
    const { port, clock, app } = await startRelay(t, relayConfig([{ method }]));
    const echo = await bindEcho(t);
    const client = await openClient(t, { method, port: port(), clock });
    const datagram = client.seal("127.0.0.1", echo.address().port, "once");
    client.sendRaw(datagram);
    await client.answer(0);
    const attacker = await bindPeer(t);
    let leaked = 0;
    attacker.on("message", () => leaked++);
    client.sendRaw(datagram);
    attacker.send(datagram, port(), "127.0.0.1");
    await until(() => app.counts.count("up", "REPLAYED") === 2);
    await pause(20);
    assert.deepEqual([client.answers.length, leaked], [1, 0]);
    assert.equal(app.sessions.list()[0]?.clientPort, client.localPort);
  });
}

test("without the replay filter a SIP004 datagram may come twice, from a reload on", async (t) => {
  const config = relayConfig([{}]);
  const { port, clock, app } = await startRelay(t, config);
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  const datagram = client.seal("127.0.0.1", echo.address().port, "twice");
  client.sendRaw(datagram);
  await client.answer(0);
  await app.reload({ ...config, replayFilter: false });
  client.sendRaw(datagram);
  await client.answer(1);
  assert.equal(app.counts.count("up", "REPLAYED"), 0);
});

test("SIP022: a client whose clock is more than 30 s off is dropped and counted", async (t) => {
  const { port, clock, app } = await startRelay(t, relayConfig([{ method: SIP022 }]));
  const echo = await bindEcho(t);
  const client = await openClient(t, { method: SIP022, port: port(), clock });
  const late = client.seal("127.0.0.1", echo.address().port, "late");
  clock.advance(31_000);
  client.sendRaw(late);
  await until(() => app.counts.count("up", "BAD_TIMESTAMP") === 1);
  assert.equal(app.sessions.size, 0);
  const early = client.seal("127.0.0.1", echo.address().port, "early");
  clock.advance(-31_000);
  client.sendRaw(early);
  await until(() => app.counts.count("up", "BAD_TIMESTAMP") === 2);
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "in time")).payload), "in time");
});

test("a wrong key is refused without a sound", async (t) => {
  const { port, clock, app } = await startRelay(t, relayConfig([{}]));
  const echo = await bindEcho(t);
  let reached = 0;
  echo.on("message", () => reached++);
  const stranger = await openClient(t, { secret: "not the password", port: port(), clock });
  stranger.send("127.0.0.1", echo.address().port, "hello?");
  await until(() => app.counts.count("up", "AUTH_FAILED") === 1);
  await pause(20);
  assert.deepEqual([reached, stranger.answers.length, stranger.refused, app.sessions.size], [0, 0, 0, 0]);
});
