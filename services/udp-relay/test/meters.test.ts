import assert from "node:assert/strict";
import { test } from "node:test";
import { bindEcho, bindPeer, until } from "./loopback.ts";
import { openClient, relayConfig, secretFor, startRelay } from "./relay-fixture.ts";

test("payload bytes are counted exactly, by key and direction, without headers", async (t) => {
  const keys = { alice: secretFor("aes-128-gcm", 1), bob: secretFor("aes-128-gcm", 2) };
  const { port, clock, app, metrics } = await startRelay(t, relayConfig([{ keys }]));
  const [echo, ipv6Echo] = [await bindEcho(t), await bindEcho(t, "::1")];
  const [alice, bob] = [
    await openClient(t, { secret: keys.alice, port: port(), clock }),
    await openClient(t, { secret: keys.bob, port: port(), clock }),
  ];
  const lengths = [0, 1, 100, 1400, 60_000];
  for (const length of lengths) await alice.ask("127.0.0.1", echo.address().port, Buffer.alloc(length));
  await alice.ask("::1", ipv6Echo.address().port, Buffer.alloc(7));
  await bob.ask("localhost", echo.address().port, Buffer.alloc(5));
  const total = lengths.reduce((sum, length) => sum + length, 7);
  await until(() => app.counts.count("down", "OK") === 7);
  assert.deepEqual(app.keys.key("alice")?.meter, { tcp: { up: 0, down: 0 }, udp: { up: total, down: total } });
  assert.deepEqual(app.keys.key("bob")?.meter.udp, { up: 5, down: 5 });
  const [session] = app.sessions.list("alice");
  assert.deepEqual([session?.bytesUp, session?.bytesDown, session?.transport, session?.clientPort], [total, total, "udp", alice.localPort]);
  for (const direction of ["up", "down"]) {
    const attributes = { "network.io.direction": direction };
    assert.equal(metrics.observed("shadowsocks.udp.packets", { ...attributes, outcome: "OK" }), 7);
    assert.equal(metrics.observed("shadowsocks.relay.bytes", { ...attributes, "network.transport": "udp" }), total + 5);
  }
  assert.equal(metrics.observed("shadowsocks.udp.sessions.active"), 2);
  assert.equal(metrics.observed("shadowsocks.replay.filter.entries"), 7);
  assert.equal(metrics.observed("fleet.ports.bound"), 1);
});

test("what is dropped on the way is not counted as traffic", async (t) => {
  const { port, clock, app } = await startRelay(
    t,
    relayConfig([{}], { allowPrivateTargets: false, allowTargets: ["127.0.0.1/32", "255.255.255.255/32"] }),
  );
  const client = await openClient(t, { port: port(), clock });
  client.send("10.0.0.1", 53, "forbidden");
  // Broadcasting needs a permission the socket does not have: the kernel refuses it.
  client.send("255.255.255.255", 53, "not sendable");
  await until(() => app.counts.count("up", "TARGET_FORBIDDEN") === 1 && app.counts.count("up", "UDP_SEND_FAILED") === 1);
  assert.deepEqual(app.keys.key("alice")?.meter.udp, { up: 0, down: 0 });
  const target = await bindPeer(t);
  const arrived: string[] = [];
  target.on("message", (payload) => arrived.push(String(payload)));
  client.send("127.0.0.1", target.address().port, "sent");
  await until(() => arrived.length === 1);
  assert.deepEqual(app.keys.key("alice")?.meter.udp, { up: 4, down: 0 });
});

test("the line at the end of a session has key and bytes, and the client's address only at debug", async (t) => {
  const { port, clock, app, log } = await startRelay(t, relayConfig([{}]));
  log.logger.level = "info";
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  await client.ask("127.0.0.1", echo.address().port, "hello");
  app.sessions.terminateKey("alice", "SESSION_TERMINATED");
  log.logger.level = "debug";
  await client.ask("127.0.0.1", echo.address().port, "hello again");
  app.sessions.terminateKey("alice", "SESSION_TERMINATED");
  const lines = log.lines.filter(({ msg }) => msg === "UDP session ended");
  assert.deepEqual(
    lines.map(({ level, code, keyId, bytesUp, bytesDown, client: address }) => ({ level, code, keyId, bytesUp, bytesDown, address })),
    [
      { level: "info", code: "SESSION_TERMINATED", keyId: "alice", bytesUp: 5, bytesDown: 5, address: undefined },
      { level: "info", code: "SESSION_TERMINATED", keyId: "alice", bytesUp: 11, bytesDown: 11, address: `127.0.0.1 ${client.localPort}` },
    ],
  );
});
