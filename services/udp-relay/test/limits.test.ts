import assert from "node:assert/strict";
import { test } from "node:test";
import { bindEcho, bindPeer, pause, until } from "./loopback.ts";
import { openClient, relayConfig, secretFor, startRelay, type TestClient } from "./relay-fixture.ts";

const SIP022 = "2022-blake3-aes-128-gcm";

test("an association ends when nothing has moved for the idle timeout, in either direction", async (t) => {
  const { port, clock, app, metrics, ends } = await startRelay(t, relayConfig([{}], { udpIdleTimeoutMs: 30_000 }));
  const target = await bindPeer(t);
  let outbound = 0;
  target.on("message", (_, relay) => {
    outbound = relay.port;
  });
  const client = await openClient(t, { port: port(), clock });
  client.send("127.0.0.1", target.address().port, "up");
  await until(() => outbound !== 0);
  clock.advance(29_000);
  target.send("down", outbound, "127.0.0.1");
  await client.answer(0);
  clock.advance(29_000);
  await pause(1100);
  assert.equal(app.sessions.size, 1, "an answer keeps it alive");
  clock.advance(1000);
  await until(() => app.sessions.size === 0);
  assert.deepEqual(
    ends.map(({ code, keyId, bytesUp, bytesDown, durationMs }) => ({ code, keyId, bytesUp, bytesDown, durationMs })),
    [{ code: "OK", keyId: "alice", bytesUp: 2, bytesDown: 4, durationMs: 59_000 }],
  );
  assert.equal(metrics.total("shadowsocks.connections", { "network.transport": "udp", outcome: "OK" }), 1);
  assert.deepEqual(metrics.recorded("shadowsocks.connection.duration.seconds"), [59]);
  const heir = await bindPeer(t, "127.0.0.1", outbound);
  assert.equal(heir.address().port, outbound, "its socket is closed and its port free");
});

test("a client that comes back after its association has ended gets another", async (t) => {
  const { port, clock, app, ends } = await startRelay(t, relayConfig([{}], { udpIdleTimeoutMs: 1000 }));
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  await client.ask("127.0.0.1", echo.address().port, "before");
  clock.advance(1000);
  await until(() => ends.length === 1);
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "after")).payload), "after");
  assert.equal(app.sessions.size, 1);
});

test("a SIP022 session lives at least 60 s, whatever is configured", async (t) => {
  const { port, clock, app } = await startRelay(t, relayConfig([{ method: SIP022 }], { udpIdleTimeoutMs: 1000 }));
  const echo = await bindEcho(t);
  const client = await openClient(t, { method: SIP022, port: port(), clock });
  await client.ask("127.0.0.1", echo.address().port, "hello");
  clock.advance(59_999);
  await pause(1100);
  assert.equal(app.sessions.size, 1);
  clock.advance(1);
  await until(() => app.sessions.size === 0);
});

test("a SIP022 client whose association has ended goes on with its session", async (t) => {
  const { port, clock, app } = await startRelay(t, relayConfig([{ method: SIP022 }]));
  const echo = await bindEcho(t);
  const client = await openClient(t, { method: SIP022, port: port(), clock });
  const first = client.seal("127.0.0.1", echo.address().port, "first");
  client.sendRaw(first);
  await client.answer(0);
  assert.equal(app.sessions.terminateKey("alice", "SESSION_TERMINATED"), 1);
  client.sendRaw(first);
  await until(() => app.counts.count("up", "REPLAYED") === 1);
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "second")).payload), "second");
});

test("at the cap of a key its least recently used association gives way, and other keys lose none", async (t) => {
  const keys = { alice: secretFor("aes-128-gcm", 1), bob: secretFor("aes-128-gcm", 2) };
  const { port, clock, app, ends, metrics, log } = await startRelay(t, relayConfig([{ keys }], { maxUdpSessionsPerKey: 3 }));
  const echo = await bindEcho(t);
  const ask = async (client: TestClient): Promise<void> => void (await client.ask("127.0.0.1", echo.address().port, "x"));
  const bob = await openClient(t, { secret: keys.bob, port: port(), clock });
  await ask(bob);
  const clients: TestClient[] = [];
  for (let at = 0; at < 4; at++) {
    const client = await openClient(t, { secret: keys.alice, port: port(), clock });
    clients.push(client);
    await ask(client);
    // The first is used again each time, so the second is the one unused longest.
    if (at < 3) await ask(clients[0]!);
  }
  assert.deepEqual([app.sessions.list("alice").length, app.sessions.list("bob").length], [3, 1]);
  const left = app.sessions.list("alice").map(({ clientPort }) => clientPort);
  assert.deepEqual(left.toSorted(), [clients[0], clients[2], clients[3]].map((client) => client!.localPort).toSorted());
  assert.deepEqual(
    ends.map(({ code }) => code),
    ["UDP_SESSION_LIMIT"],
  );
  assert.equal(metrics.total("shadowsocks.connections", { outcome: "UDP_SESSION_LIMIT" }), 1);
  await until(() => log.lines.some(({ code, level }) => code === "UDP_SESSION_LIMIT" && level === "warn"));
});

test("at the cap in all the key that has most gives way, its own newcomer counted; others lose none", async (t) => {
  const keys = { alice: secretFor("aes-128-gcm", 1), bob: secretFor("aes-128-gcm", 2) };
  const { port, clock, app, ends } = await startRelay(t, relayConfig([{ keys }], { maxUdpSessions: 2 }));
  const echo = await bindEcho(t);
  for (const secret of [keys.alice, keys.bob, keys.bob, keys.bob]) {
    const client = await openClient(t, { secret, port: port(), clock });
    await client.ask("127.0.0.1", echo.address().port, "x");
  }
  assert.deepEqual([app.sessions.list("alice").length, app.sessions.list("bob").length], [1, 1]);
  assert.deepEqual(
    ends.map(({ keyId, code }) => [keyId, code]),
    [
      ["bob", "UDP_SESSION_LIMIT"],
      ["bob", "UDP_SESSION_LIMIT"],
    ],
  );
});

test("at the cap in all a newcomer of a small key takes the place of the fullest key's least recently used", async (t) => {
  const keys = Object.fromEntries(["alice", "bob", "carol", "dave"].map((id, at) => [id, secretFor("aes-128-gcm", at + 1)]));
  const { port, clock, app, ends } = await startRelay(t, relayConfig([{ keys }], { maxUdpSessions: 4 }));
  const echo = await bindEcho(t);
  const join = async (id: string): Promise<TestClient> => {
    const client = await openClient(t, { secret: keys[id]!, port: port(), clock });
    await client.ask("127.0.0.1", echo.address().port, "x");
    return client;
  };
  await join("alice");
  const bobs = [await join("bob"), await join("bob")];
  await join("carol");
  await bobs[0]!.ask("127.0.0.1", echo.address().port, "again");
  await join("dave");
  assert.deepEqual(
    app.sessions.list("bob").map(({ clientPort }) => clientPort),
    [bobs[0]!.localPort],
  );
  // Four keys with one each: a second one of alice displaces her first.
  await join("alice");
  assert.deepEqual(
    ends.map(({ keyId }) => keyId),
    ["bob", "alice"],
  );
});

test("a lower cap after a reload holds from the next association on", async (t) => {
  const config = relayConfig([{}]);
  const { port, clock, app } = await startRelay(t, config);
  const echo = await bindEcho(t);
  for (let at = 0; at < 3; at++) await (await openClient(t, { port: port(), clock })).ask("127.0.0.1", echo.address().port, "x");
  await app.reload({ ...config, maxUdpSessionsPerKey: 2 });
  assert.equal(app.sessions.size, 3);
  await (await openClient(t, { port: port(), clock })).ask("127.0.0.1", echo.address().port, "x");
  assert.equal(app.sessions.size, 2);
});
