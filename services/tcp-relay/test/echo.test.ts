import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import {
  eventually,
  freePort,
  PseudoRandom,
  startEchoTarget,
  startHalfCloseTarget,
  startServerFirstTarget,
  startSourceTarget,
} from "@shadowfleet/testkit";
import { METHODS, type Method } from "@shadowfleet/wire";
import { relayConfig, startRelay, startSingle } from "./relay-fixture.ts";
import { ShadowClient } from "./shadow-client.ts";

const MIB = 1024 * 1024;
const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");

function secretFor({ kind, keyLength }: Method, fill = 1): string {
  return kind === "aead-2022" ? Buffer.alloc(keyLength, fill).toString("base64") : `password ${fill}`;
}

describe("one key on a port", () => {
  for (const method of METHODS) {
    test(`${method.name}: 1 MiB comes back unchanged and is counted to the byte`, async () => {
      await using target = await startEchoTarget();
      await using relay = await startSingle(method.name, secretFor(method));
      const data = new PseudoRandom(7).bytes(MIB);
      const first = data.subarray(0, 1000);
      using client = await ShadowClient.open({ port: relay.port, method: method.name, secret: secretFor(method), target, payload: first });
      client.write(data.subarray(1000));
      client.end();
      assert.equal(sha256(await client.receiveAll()), sha256(data));
      const end = await relay.ended();
      assert.deepEqual([end.code, end.keyId, end.port], ["OK", String(relay.port), relay.port]);
      assert.deepEqual([end.bytesUp, end.bytesDown], [MIB, MIB]);
      assert.deepEqual(relay.app.keys.key(end.keyId)?.meter.tcp, { up: MIB, down: MIB });
      assert.equal(relay.metrics.observed("shadowsocks.relay.bytes", { "network.io.direction": "up" }), MIB);
    });
  }
});

describe("targets", () => {
  const method = "chacha20-ietf-poly1305";
  const hello = Buffer.from("hello");

  test("IPv6, a name, and IPv4", async () => {
    await using ipv4 = await startEchoTarget();
    await using ipv6 = await startEchoTarget({ host: "::1" });
    await using relay = await startSingle(method, "pw");
    for (const target of [
      { host: "127.0.0.1", port: ipv4.port },
      { host: "localhost", port: ipv4.port },
      { host: "::1", port: ipv6.port },
    ]) {
      using client = await ShadowClient.open({ port: relay.port, method, secret: "pw", target, payload: hello });
      assert.deepEqual(await client.receive(5), hello, target.host);
    }
  });

  test("that speak first, to a client that has sent nothing but its request", async () => {
    for (const name of [method, "2022-blake3-aes-128-gcm"]) {
      const secret = name === method ? "pw" : Buffer.alloc(16, 1).toString("base64");
      await using target = await startServerFirstTarget(Buffer.from("220 ready"));
      await using relay = await startSingle(name, secret);
      using client = await ShadowClient.open({ port: relay.port, method: name, secret, target });
      assert.equal((await client.receive(9)).toString(), "220 ready");
      client.write(hello);
      assert.equal((await client.receive(14)).toString(), "220 readyhello");
    }
  });

  test("half-close: the client ends first and still gets the whole answer", async () => {
    await using target = await startHalfCloseTarget({ firstFin: "client" });
    await using relay = await startSingle(method, "pw");
    using client = await ShadowClient.open({ port: relay.port, method, secret: "pw", target, payload: hello });
    client.write(Buffer.from(" world"));
    client.end();
    assert.equal((await client.receiveAll()).toString(), "goodbye");
    assert.equal((await target.received()).bytes, 11);
    assert.equal((await relay.ended()).code, "OK");
  });

  test("half-close: the target ends first and still gets everything", async () => {
    await using target = await startHalfCloseTarget({ firstFin: "target" });
    await using relay = await startSingle(method, "pw");
    using client = await ShadowClient.open({ port: relay.port, method, secret: "pw", target });
    assert.equal((await client.receiveAll()).toString(), "goodbye");
    assert.equal(await client.closed, "fin");
    client.write(Buffer.alloc(100_000, 1));
    client.end();
    const { bytes, end } = await target.received();
    assert.deepEqual([bytes, end], [100_000, "fin"]);
    assert.deepEqual([(await relay.ended()).code, relay.ends[0]?.bytesUp], ["OK", 100_000]);
  });

  test("a client that does not read slows the target down instead of filling the relay", async () => {
    await using target = await startSourceTarget({ bytes: 64 * MIB });
    await using relay = await startSingle(method, "pw");
    using client = await ShadowClient.open({ port: relay.port, method, secret: "pw", target, payload: hello });
    await client.receive(1);
    client.socket.pause();
    const counted = () => relay.metrics.observed("shadowsocks.relay.bytes", { "network.io.direction": "down" }) ?? 0;
    let before = -1;
    await eventually("the flow to stop", () => {
      const stopped = counted() === before;
      before = counted();
      return stopped;
    });
    assert.ok(counted() < 32 * MIB, `${counted()} bytes went through to a client that does not read`);
    client.socket.resume();
    assert.equal(sha256(await client.receiveAll()), target.sha256);
  });
});

describe("many keys on a port", () => {
  for (const method of ["aes-128-gcm", "chacha20-ietf-poly1305"]) {
    test(`${method}: each key is found by trial, and its bytes go to its own meter`, async () => {
      await using target = await startEchoTarget();
      const port = await freePort();
      const keys = Array.from({ length: 20 }, (_, n) => ({ id: `key-${n}`, secret: `secret ${n}` }));
      await using relay = await startRelay(relayConfig({ ports: [{ port, host: "127.0.0.1", method, keys }] }));
      for (const n of [0, 7, 19, 7]) {
        using client = await ShadowClient.open({ port, method, secret: `secret ${n}`, target, payload: Buffer.alloc(n + 1) });
        await client.receive(n + 1);
        client.end();
        await client.receiveAll();
      }
      await relay.ended(4);
      assert.deepEqual(
        relay.ends.map(({ keyId }) => keyId),
        ["key-0", "key-7", "key-19", "key-7"],
      );
      assert.deepEqual(relay.app.keys.key("key-7")?.meter.tcp, { up: 16, down: 16 });
      assert.deepEqual(relay.app.keys.key("key-1")?.meter.tcp, { up: 0, down: 0 });
    });
  }

  test("trial begins with the key this client address used last", async () => {
    await using target = await startEchoTarget();
    const port = await freePort();
    const keys = ["a", "b", "c"].map((id) => ({ id, secret: id }));
    await using relay = await startRelay(relayConfig({ ports: [{ port, host: "127.0.0.1", method: "aes-128-gcm", keys }] }));
    const use = async (secret: string, localAddress: string) => {
      using client = await ShadowClient.open({ port, method: "aes-128-gcm", secret, target, payload: Buffer.from("x"), localAddress });
      await client.receive(1);
    };
    await use("b", "127.0.0.2");
    await use("c", "127.0.0.3");
    const orderFor = (host: string) => [...(relay.app.keys.portKeys(port)?.ringFor(host).candidates() ?? [])].map(({ id }) => id).join("");
    assert.equal(orderFor("127.0.0.2"), "bca");
    assert.equal(orderFor("127.0.0.3"), "cba");
    assert.equal(orderFor("127.0.0.4"), "cba");
  });

  for (const [method, length] of [
    ["2022-blake3-aes-128-gcm", 16],
    ["2022-blake3-aes-256-gcm", 32],
  ] as const) {
    test(`${method}: identity headers name the key`, async () => {
      await using target = await startEchoTarget();
      const port = await freePort();
      const psk = (fill: number) => Buffer.alloc(length, fill).toString("base64");
      const keys = Array.from({ length: 50 }, (_, n) => ({ id: `key-${n}`, secret: psk(n + 1) }));
      await using relay = await startRelay(relayConfig({ ports: [{ port, host: "127.0.0.1", method, identityKey: psk(200), keys }] }));
      for (const n of [49, 0]) {
        using client = await ShadowClient.open({
          port,
          method,
          secret: `${psk(200)}:${psk(n + 1)}`,
          target,
          payload: Buffer.from("hello"),
        });
        assert.equal((await client.receive(5)).toString(), "hello");
        client.end();
        await client.receiveAll();
      }
      await relay.ended(2);
      assert.deepEqual(
        relay.ends.map(({ keyId }) => keyId),
        ["key-49", "key-0"],
      );
    });
  }
});

describe("what is told about a session", () => {
  test("one line at info with key, port, code and bytes; addresses only at debug; no secret anywhere", async () => {
    await using target = await startEchoTarget();
    await using relay = await startSingle("aes-256-gcm", "the secret");
    for (const level of ["info", "debug"]) {
      relay.log.logger.level = level;
      using client = await ShadowClient.open({
        port: relay.port,
        method: "aes-256-gcm",
        secret: "the secret",
        target,
        payload: Buffer.from("hello"),
      });
      await client.receive(5);
      client.end();
      await client.receiveAll();
      await relay.ended(level === "info" ? 1 : 2);
    }
    const [atInfo, atDebug] = relay.log.lines.filter(({ msg }) => msg === "session ended");
    const { durationMs, ...line } = atInfo!;
    assert.deepEqual(line, {
      level: "info",
      code: "OK",
      port: relay.port,
      keyId: String(relay.port),
      bytesUp: 5,
      bytesDown: 5,
      msg: "session ended",
    });
    assert.equal(typeof durationMs, "number");
    assert.equal(atDebug?.target, `127.0.0.1:${target.port}`);
    assert.match(String(atDebug?.client), /^127\.0\.0\.1 \d+$/);
    assert.ok(!relay.log.text.includes("the secret"));
  });

  test("metrics: connections by outcome, durations, dials, and the gauges while it lives", async () => {
    await using target = await startEchoTarget();
    await using relay = await startSingle("aes-256-gcm", "pw");
    using client = await ShadowClient.open({
      port: relay.port,
      method: "aes-256-gcm",
      secret: "pw",
      target,
      payload: Buffer.from("hello"),
    });
    await client.receive(5);
    assert.equal(relay.metrics.observed("shadowsocks.connections.active"), 1);
    assert.equal(relay.metrics.observed("shadowsocks.replay.filter.entries"), 1, "the client's salt; ours carries a mark instead");
    assert.equal(relay.metrics.observed("fleet.ports.bound"), 1);
    assert.equal(relay.metrics.observed("fleet.keys.active"), 1);
    const [session] = relay.app.sessions.list();
    assert.deepEqual(
      [session?.keyId, session?.transport, session?.clientHost, session?.bytesUp],
      [String(relay.port), "tcp", "127.0.0.1", 5],
    );
    client.end();
    await relay.ended();
    await relay.quiet();
    assert.equal(relay.metrics.total("shadowsocks.connections", { outcome: "OK", "network.transport": "tcp" }), 1);
    assert.equal(relay.metrics.recorded("shadowsocks.connection.duration.seconds").length, 1);
    assert.equal(relay.metrics.recorded("shadowsocks.handshake.duration.seconds").length, 1);
    assert.equal(relay.metrics.recorded("shadowsocks.dial.duration.seconds", { "error.type": "OK" }).length, 1);
    assert.equal(relay.metrics.observed("shadowsocks.connections.active"), 0);
    assert.equal(relay.app.sessions.size, 0);
  });

  test("idle timeout ends a session that nobody uses, and no busy one", async () => {
    await using target = await startEchoTarget();
    await using relay = await startSingle("aes-256-gcm", "pw", { timeouts: { idle: "1s" } });
    const open = () => ShadowClient.open({ port: relay.port, method: "aes-256-gcm", secret: "pw", target, payload: Buffer.from("x") });
    using busy = await open();
    using idle = await open();
    const beat = setInterval(() => busy.write(Buffer.from("x")), 100);
    try {
      assert.equal((await relay.ended()).code, "IDLE_TIMEOUT");
      assert.equal(await idle.closed, "rst");
      assert.equal(relay.app.sessions.size, 1);
      assert.ok(!busy.socket.destroyed);
    } finally {
      clearInterval(beat);
    }
  });
});
