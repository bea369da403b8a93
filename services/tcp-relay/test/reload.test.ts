import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { describe, test } from "node:test";
import { createTargetGuard } from "@shadowfleet/relay";
import { ConfigError } from "@shadowfleet/runtime";
import { eventually, freePort, probe, startEchoTarget } from "@shadowfleet/testkit";
import { relayConfig, startRelay } from "./relay-fixture.ts";
import { ShadowClient, sealedRequest } from "./shadow-client.ts";

const method = "chacha20-ietf-poly1305";
const host = "127.0.0.1";

async function echoThrough(client: ShadowClient, text: string): Promise<void> {
  const before = client.received.length;
  client.write(Buffer.from(text));
  assert.equal((await client.receive(before + text.length)).subarray(before).toString(), text);
}

async function isListening(port: number): Promise<boolean> {
  return probe({ host, port, deadlineMs: 20 }).then(
    () => true,
    () => false,
  );
}

describe("reload", () => {
  test("ports and keys come and go; sessions and counters of those that stay are not touched", async () => {
    await using target = await startEchoTarget();
    const [stays, goes, comes] = [await freePort(), await freePort(), await freePort()];
    const alice = { id: "alice", secret: "a" };
    const bob = { id: "bob", secret: "b" };
    await using relay = await startRelay(
      relayConfig({
        ports: [
          { port: stays, host, keys: [alice, bob] },
          { port: goes, host, password: "g" },
        ],
      }),
    );
    const open = (port: number, secret: string) => ShadowClient.open({ port, method, secret, target, payload: Buffer.from("x") });
    using ofAlice = await open(stays, "a");
    using ofBob = await open(stays, "b");
    using onGone = await open(goes, "g");
    for (const client of [ofAlice, ofBob, onGone]) await client.receive(1);

    await relay.app.reload(
      relayConfig({
        ports: [
          { port: stays, host, keys: [alice, { id: "carol", secret: "c" }] },
          { port: comes, host, password: "n" },
        ],
      }),
    );
    assert.deepEqual([await ofBob.closed, await onGone.closed], ["rst", "rst"]);
    await relay.ended(2);
    assert.deepEqual(relay.ends.map(({ keyId, code }) => [keyId, code]).toSorted(), [
      [String(goes), "SESSION_TERMINATED"],
      ["bob", "SESSION_TERMINATED"],
    ]);
    assert.equal(await isListening(goes), false);
    await echoThrough(ofAlice, "still here");
    assert.deepEqual(relay.app.keys.key("alice")?.meter.tcp, { up: 11, down: 11 });
    assert.equal(
      relay.metrics.observed("shadowsocks.relay.bytes", { "network.io.direction": "up" }),
      13,
      "bytes of removed keys stay in the total",
    );
    for (const [port, secret] of [
      [stays, "c"],
      [comes, "n"],
      [stays, "a"],
    ] as const) {
      using client = await open(port, secret);
      await client.receive(1);
    }
    const startedMs = performance.now();
    using late = await open(stays, "b");
    await eventually("bob's refusal", () => relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "AUTH_FAILED" }) === 1);
    assert.equal(late.socket.destroyed, false);
    assert.ok(performance.now() - startedMs < 1000);
  });

  test("another secret: the old one no longer opens sessions, running sessions and the meter go on", async () => {
    await using target = await startEchoTarget();
    const port = await freePort();
    const withSecret = (secret: string) => relayConfig({ ports: [{ port, host, keys: [{ id: "alice", secret }] }] });
    await using relay = await startRelay(withSecret("old"));
    using running = await ShadowClient.open({ port, method, secret: "old", target, payload: Buffer.from("x") });
    await running.receive(1);
    await relay.app.reload(withSecret("new"));
    await echoThrough(running, "goes on");
    using fresh = await ShadowClient.open({ port, method, secret: "new", target, payload: Buffer.from("xy") });
    await fresh.receive(2);
    using stale = await ShadowClient.open({ port, method, secret: "old", target, payload: Buffer.from("x") });
    await eventually("the refusal", () => relay.metrics.total("shadowsocks.handshake.failures") === 1);
    assert.equal(stale.received.length, 0);
    assert.deepEqual(relay.app.keys.key("alice")?.meter.tcp, { up: 10, down: 10 });
    assert.equal(relay.log.lines.filter(({ msg }) => msg === "port open").length, 1, "the listener was not touched");
  });

  test("a handshake that began before its key was taken away does not come in", async () => {
    await using target = await startEchoTarget();
    const port = await freePort();
    const keys = (...ids: string[]) => relayConfig({ ports: [{ port, host, keys: ids.map((id) => ({ id, secret: id })) }] });
    await using relay = await startRelay(keys("alice", "bob"));
    const request = sealedRequest({ method, secret: "bob", target, payload: Buffer.from("x") });
    const socket = connect({ host, port });
    await once(socket, "connect");
    socket.write(request.subarray(0, 20));
    await eventually("the connection", () => relay.app.connections === 1);
    await relay.app.reload(keys("alice"));
    socket.write(request.subarray(20));
    await eventually("the refusal", () => relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "AUTH_FAILED" }) === 1);
    assert.equal(socket.bytesRead, 0);
    assert.equal(target.accepted, 0);
    socket.destroy();
  });

  test("a salt stays known when the port's keys change", async () => {
    await using target = await startEchoTarget();
    const port = await freePort();
    const config = (...ids: string[]) => relayConfig({ ports: [{ port, host, keys: ids.map((id) => ({ id, secret: id })) }] });
    await using relay = await startRelay(config("alice"));
    using client = await ShadowClient.open({ port, method, secret: "alice", target, payload: Buffer.from("x") });
    await client.receive(1);
    await relay.app.reload(config("alice", "bob"));
    const replay = await probe({ host, port, pieces: [client.request], deadlineMs: 200 });
    assert.deepEqual([replay.received.length, replay.close], [0, "none"]);
    assert.equal(relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "REPLAYED" }), 1);
    await relay.app.reload(config("carol"));
    assert.equal(relay.metrics.observed("shadowsocks.replay.filter.entries"), 1);
  });

  test("a file without method keeps the default of its format, and a refused one leaves everything as it is", async () => {
    await using target = await startEchoTarget();
    const port = await freePort();
    const classic = { port_password: { [port]: "foobar" }, server: host, allowInsecureCiphers: true };
    await using relay = await startRelay(relayConfig(classic));
    const check = async (password: string) => {
      using client = await ShadowClient.open({ port, method: "aes-256-cfb", secret: password, target, payload: Buffer.from("hello") });
      assert.equal((await client.receive(5)).toString(), "hello");
    };
    await check("foobar");
    await relay.app.reload(relayConfig({ ...classic, port_password: { [port]: "changed" } }));
    await check("changed");
    assert.throws(() => relayConfig({ ...classic, port_password: { [port]: "again" }, method: "rot13" }), ConfigError);
    await check("changed");
  });

  test("the guard and the timeouts of a new configuration hold for new connections", async () => {
    await using target = await startEchoTarget();
    const port = await freePort();
    const ports = [{ port, host, password: "pw" }];
    await using relay = await startRelay(relayConfig({ ports }));
    using before = await ShadowClient.open({ port, method, secret: "pw", target, payload: Buffer.from("x") });
    await before.receive(1);
    const strict = relayConfig({ ports, allowPrivateTargets: false });
    assert.equal(createTargetGuard(strict).admits(host), false);
    await relay.app.reload(strict);
    await echoThrough(before, "goes on");
    using after = await ShadowClient.open({ port, method, secret: "pw", target, payload: Buffer.from("x") });
    assert.equal(await after.closed, "rst");
    assert.equal((await relay.ended()).code, "TARGET_FORBIDDEN");
  });
});

describe("a busy port among several", () => {
  test("is reported and tried again; the others serve; nothing ends the process", async () => {
    await using target = await startEchoTarget();
    const [free, busy] = [await freePort(), await freePort()];
    const squatter = createServer().listen(busy, host);
    await once(squatter, "listening");
    await using relay = await startRelay(
      relayConfig({
        ports: [
          { port: busy, host, password: "b" },
          { port: free, host, password: "f" },
        ],
      }),
    );
    assert.deepEqual(relay.app.readiness(), { ready: true, details: { ports: "1 of 2 bound", failed: String(busy) } });
    assert.equal(relay.metrics.observed("fleet.ports.failed"), 1);
    const refusal = relay.log.lines.find(({ code }) => code === "BIND_FAILED");
    assert.deepEqual([refusal?.level, refusal?.port], ["error", busy]);
    using client = await ShadowClient.open({ port: free, method, secret: "f", target, payload: Buffer.from("x") });
    await client.receive(1);
    squatter.close();
    await eventually("the retry", () => relay.app.boundPort(busy) === busy);
    assert.equal(relay.metrics.observed("fleet.ports.failed"), 0);
    using second = await ShadowClient.open({ port: busy, method, secret: "b", target, payload: Buffer.from("x") });
    await second.receive(1);
  });
});
