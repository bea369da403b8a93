import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "@shadowfleet/testkit";
import { bindEcho, bindPeer, pause, until } from "./loopback.ts";
import { openClient, relayConfig, secretFor, startRelay } from "./relay-fixture.ts";

const METHOD = "aes-128-gcm";

test("cutting a key ends its associations at once and no other's", async (t) => {
  const keys = { alice: secretFor(METHOD, 1), bob: secretFor(METHOD, 2) };
  const { port, clock, app, ends } = await startRelay(t, relayConfig([{ keys }]));
  const echo = await bindEcho(t);
  const clients = [keys.alice, keys.alice, keys.bob].map((secret) => openClient(t, { secret, port: port(), clock }));
  for (const client of await Promise.all(clients)) await client.ask("127.0.0.1", echo.address().port, "x");
  assert.equal(app.sessions.terminateKey("alice", "SESSION_TERMINATED"), 2);
  assert.deepEqual(
    app.sessions.list().map(({ keyId }) => keyId),
    ["bob"],
  );
  assert.deepEqual(
    ends.map(({ keyId, code }) => [keyId, code]),
    [
      ["alice", "SESSION_TERMINATED"],
      ["alice", "SESSION_TERMINATED"],
    ],
  );
});

test("a key that a reload removes is cut off; the associations of the key beside it keep their outbound port", async (t) => {
  const port = await freePort();
  const keys = { alice: secretFor(METHOD, 1), bob: secretFor(METHOD, 2) };
  const { clock, app } = await startRelay(t, relayConfig([{ port, keys }]));
  const echo = await bindEcho(t);
  const outbound: number[] = [];
  echo.on("message", (_, relay) => outbound.push(relay.port));
  const [alice, bob] = [await openClient(t, { secret: keys.alice, port, clock }), await openClient(t, { secret: keys.bob, port, clock })];
  await alice.ask("127.0.0.1", echo.address().port, "a");
  await bob.ask("127.0.0.1", echo.address().port, "b");
  await app.reload(relayConfig([{ port, keys: { bob: keys.bob, carol: secretFor(METHOD, 3) } }]));
  assert.deepEqual(
    app.sessions.list().map(({ keyId }) => keyId),
    ["bob"],
  );
  alice.send("127.0.0.1", echo.address().port, "again?");
  await until(() => app.counts.count("up", "AUTH_FAILED") === 1);
  assert.equal(String((await bob.ask("127.0.0.1", echo.address().port, "b2")).payload), "b2");
  assert.equal(outbound[2], outbound[1]);
  const carol = await openClient(t, { secret: secretFor(METHOD, 3), port, clock });
  assert.equal(String((await carol.ask("127.0.0.1", echo.address().port, "c")).payload), "c");
  assert.deepEqual(app.keys.ledger.meterOf("alice", port).udp, { up: 1, down: 1 });
});

test("a new secret ends the associations of the old one; the same client goes on with the new one and its counters", async (t) => {
  const port = await freePort();
  const { clock, app } = await startRelay(t, relayConfig([{ port, keys: { alice: secretFor(METHOD, 1) } }]));
  const echo = await bindEcho(t);
  const before = await openClient(t, { secret: secretFor(METHOD, 1), port, clock });
  await before.ask("127.0.0.1", echo.address().port, "old");
  await app.reload(relayConfig([{ port, keys: { alice: secretFor(METHOD, 2) } }]));
  assert.equal(app.sessions.size, 0);
  const after = await openClient(t, { secret: secretFor(METHOD, 2), port, clock });
  await after.ask("127.0.0.1", echo.address().port, "new!");
  assert.deepEqual(app.keys.key("alice")?.meter.udp, { up: 7, down: 7 });
});

test("a port may change its method while it stays bound", async (t) => {
  const port = await freePort();
  const { clock, app } = await startRelay(t, relayConfig([{ port, method: METHOD }]));
  const echo = await bindEcho(t);
  await (await openClient(t, { method: METHOD, port, clock })).ask("127.0.0.1", echo.address().port, "x");
  const method = "2022-blake3-aes-256-gcm";
  await app.reload(relayConfig([{ port, method }]));
  const client = await openClient(t, { method, port, clock });
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "2022")).payload), "2022");
  assert.equal(app.sessions.size, 1);
});

test("ports are added and removed without touching the others", async (t) => {
  const [stays, goes, comes] = [await freePort(), await freePort(), await freePort()];
  const spec = (port: number) => ({ port, keys: { [`key of ${port}`]: secretFor(METHOD, port) } });
  const { clock, app } = await startRelay(t, relayConfig([spec(stays), spec(goes)]));
  const echo = await bindEcho(t);
  const outbound: number[] = [];
  echo.on("message", (_, relay) => outbound.push(relay.port));
  const clientOf = (port: number) => openClient(t, { secret: secretFor(METHOD, port), port, clock });
  const staying = await clientOf(stays);
  await staying.ask("127.0.0.1", echo.address().port, "1");
  await (await clientOf(goes)).ask("127.0.0.1", echo.address().port, "2");
  await app.reload(relayConfig([spec(stays), spec(comes)]));
  assert.deepEqual([app.boundPort(stays), app.boundPort(goes), app.boundPort(comes)], [stays, undefined, comes]);
  assert.deepEqual(app.readiness(), { ready: true, details: { ports: "2 of 2 bound" } });
  await (await clientOf(comes)).ask("127.0.0.1", echo.address().port, "3");
  await staying.ask("127.0.0.1", echo.address().port, "4");
  assert.equal(outbound[3], outbound[0]);
  assert.equal(app.sessions.size, 2);
});

test("a port whose bind address changes is bound anew", async (t) => {
  const port = await freePort();
  const { clock, app } = await startRelay(t, relayConfig([{ port }]));
  const echo = await bindEcho(t);
  await (await openClient(t, { port, clock })).ask("127.0.0.1", echo.address().port, "v4");
  await app.reload(relayConfig([{ port, host: "::1" }]));
  assert.equal(app.sessions.size, 0);
  const client = await openClient(t, { host: "::1", port, clock });
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "v6")).payload), "v6");
});

test("a busy port is reported and tried again; the others serve", async (t) => {
  const squatter = await bindPeer(t);
  const [busy, free] = [squatter.address().port, await freePort()];
  const spec = (port: number) => ({ port, keys: { [String(port)]: secretFor(METHOD, port) } });
  const { clock, app, log } = await startRelay(t, relayConfig([spec(busy), spec(free)]));
  assert.deepEqual(app.readiness(), { ready: true, details: { ports: "1 of 2 bound", failed: String(busy) } });
  assert.ok(log.lines.some(({ code, level }) => code === "BIND_FAILED" && level === "error"));
  const echo = await bindEcho(t);
  await (await openClient(t, { secret: secretFor(METHOD, free), port: free, clock })).ask("127.0.0.1", echo.address().port, "x");
  squatter.close();
  await until(() => app.boundPort(busy) === busy, 5000);
});

test("drain: no new association, the others answered until they go quiet, then all is closed", async (t) => {
  const { port, clock, app, ends } = await startRelay(t, relayConfig([{}]));
  const echo = await bindEcho(t);
  const relayPort = port();
  const live = await openClient(t, { port: relayPort, clock });
  await live.ask("127.0.0.1", echo.address().port, "before");
  const drained = app.drain(10_000);
  assert.equal(app.readiness().ready, false);
  assert.equal(String((await live.ask("127.0.0.1", echo.address().port, "during")).payload), "during");
  const late = await openClient(t, { port: relayPort, clock });
  late.send("127.0.0.1", echo.address().port, "too late");
  await until(() => app.counts.count("up", "SESSION_TERMINATED") === 1);
  assert.equal(app.sessions.size, 1);
  clock.advance(2000);
  await drained;
  assert.deepEqual([ends.map(({ code }) => code), app.sessions.size, app.boundPort(0)], [["OK"], 0, undefined]);
});

test("drain: what still talks at the deadline is ended under DRAIN_DEADLINE", async (t) => {
  const { port, clock, app, ends, metrics } = await startRelay(t, relayConfig([{}]));
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  await client.ask("127.0.0.1", echo.address().port, "x");
  await app.drain(150);
  assert.deepEqual(
    ends.map(({ code }) => code),
    ["DRAIN_DEADLINE"],
  );
  assert.equal(metrics.observed("shadowsocks.udp.sessions.active"), undefined, "nothing is observed of a service that has ended");
  client.send("127.0.0.1", echo.address().port, "anyone?");
  await pause(20);
  assert.equal(client.answers.length, 1);
});
