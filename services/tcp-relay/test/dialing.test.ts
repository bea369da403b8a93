import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, holdClosedPort, startEchoTarget, startHalfCloseTarget, startSinkTarget } from "@shadowfleet/testkit";
import type { Resolution, Resolver } from "@shadowfleet/transport";
import { type RelayFixture, startSingle } from "./relay-fixture.ts";
import { ShadowClient } from "./shadow-client.ts";

const method = "chacha20-ietf-poly1305";
const secret = "pw";

/** A resolver whose only name stands for 127.0.0.1 as soon as it is told so. */
class HeldResolver implements Resolver {
  readonly #answer = Promise.withResolvers<Resolution>();
  asked = 0;

  resolve(): Promise<Resolution> {
    this.asked++;
    return this.#answer.promise;
  }

  peek(): undefined {
    return undefined;
  }

  release(): void {
    this.#answer.resolve({ ok: true, addresses: [{ address: "127.0.0.1", family: 4 }] });
  }
}

/** A relay and a client of it that waits for the relay to reach its target. */
async function startHeld(port: number, more: { end?: boolean; payload?: Buffer } = {}) {
  const resolver = new HeldResolver();
  const relay = await startSingle(method, secret, {}, { resolver });
  const client = await ShadowClient.open({ port: relay.port, method, secret, target: { host: "held.example", port }, ...more });
  await eventually("the dial", () => resolver.asked === 1);
  return { resolver, relay, client };
}

async function refusalOf(relay: RelayFixture & { port: number }, target: { host: string; port: number }): Promise<string> {
  const before = relay.ends.length;
  using client = await ShadowClient.open({ port: relay.port, method, secret, target, payload: Buffer.from("x") });
  assert.equal(await client.closed, "rst");
  assert.equal(client.received.length, 0);
  return (await relay.ended(before + 1)).code;
}

describe("a target that cannot be reached", () => {
  test("a name on the allow-list may stand for a private address; the address itself, and any other name for it, may not", async () => {
    await using echo = await startEchoTarget();
    const resolver: Resolver = {
      resolve: async () => ({ ok: true, addresses: [{ address: "127.0.0.1", family: 4 }] }),
      peek: () => undefined,
    };
    const settings = { allowPrivateTargets: false, targets: { allow: ["echo.example"] } };
    await using relay = await startSingle(method, secret, settings, { resolver });
    for (const host of ["other.example", "127.0.0.1"])
      assert.equal(await refusalOf(relay, { host, port: echo.port }), "TARGET_FORBIDDEN", host);
    const target = { host: "echo.example", port: echo.port };
    using client = await ShadowClient.open({ port: relay.port, method, secret, target, payload: Buffer.from("hello") });
    await eventually("the echo", () => client.received.toString() === "hello");
  });

  test("refused, unresolvable, forbidden, port 0: reset at once, each under its code", async () => {
    await using closed = await holdClosedPort();
    await using relay = await startSingle(method, secret, { targets: { deny: ["127.0.0.9"] } });
    const startedMs = performance.now();
    assert.equal(await refusalOf(relay, closed), "DIAL_REFUSED");
    assert.equal(await refusalOf(relay, { host: "does-not-exist.invalid", port: 80 }), "DNS_FAILED");
    assert.equal(await refusalOf(relay, { host: "127.0.0.9", port: 80 }), "TARGET_FORBIDDEN");
    assert.equal(await refusalOf(relay, { host: "127.0.0.1", port: 0 }), "DIAL_FAILED");
    assert.ok(performance.now() - startedMs < 2000, "no refusal waits for the handshake deadline");
    assert.equal(relay.metrics.total("shadowsocks.connections", { outcome: "DIAL_REFUSED" }), 1);
    assert.equal(relay.metrics.recorded("shadowsocks.dial.duration.seconds", { "error.type": "TARGET_FORBIDDEN" }).length, 1);
    assert.equal(relay.metrics.total("shadowsocks.handshake.failures"), 0);
  });

  test("private targets are forbidden unless allowed, also behind a name", async () => {
    await using target = await startEchoTarget();
    await using relay = await startSingle(method, secret, { allowPrivateTargets: false });
    for (const host of ["127.0.0.1", "localhost", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"]) {
      assert.equal(await refusalOf(relay, { host, port: target.port }), "TARGET_FORBIDDEN", host);
    }
    assert.equal(target.accepted, 0);
  });

  test("no answer: DIAL_TIMEOUT after the dial timeout", async () => {
    await using relay = await startSingle(method, secret, { timeouts: { dial: "200ms" } }, { resolver: new HeldResolver() });
    assert.equal(await refusalOf(relay, { host: "held.example", port: 80 }), "DIAL_TIMEOUT");
  });
});

describe("a client while its target is dialled", () => {
  test("may half-close: before", async () => {
    await using target = await startHalfCloseTarget({ firstFin: "client" });
    await using relay = await startSingle(method, secret);
    using client = await ShadowClient.open({ port: relay.port, method, secret, target, payload: Buffer.from("hello"), end: true });
    assert.equal((await client.receiveAll()).toString(), "goodbye");
    assert.equal((await target.received()).bytes, 5);
    assert.equal((await relay.ended()).code, "OK");
  });

  test("may half-close: meanwhile", async () => {
    await using target = await startHalfCloseTarget({ firstFin: "client" });
    const { resolver, relay, client } = await startHeld(target.port, { payload: Buffer.from("hello") });
    await using _relay = relay;
    using _client = client;
    client.end();
    await sleep(50);
    resolver.release();
    assert.equal((await client.receiveAll()).toString(), "goodbye");
    assert.equal((await target.received()).bytes, 5);
    assert.equal((await relay.ended()).code, "OK");
  });

  test("may send on: all of it arrives in order, most of it waiting in the kernel", async () => {
    await using target = await startSinkTarget();
    const { resolver, relay, client } = await startHeld(target.port, { payload: Buffer.from("first,") });
    await using _relay = relay;
    using _client = client;
    for (const word of ["second,", "third,"]) {
      client.write(Buffer.from(word));
      await sleep(20);
    }
    client.write(Buffer.alloc(3_000_000, "z"));
    client.end();
    await sleep(50);
    resolver.release();
    const { bytes, end } = await target.received();
    assert.deepEqual([bytes, end], ["first,second,third,".length + 3_000_000, "fin"]);
    const session = await relay.ended();
    assert.deepEqual([session.code, session.bytesUp], ["OK", bytes]);
    assert.equal(relay.app.keys.key(String(relay.port))?.meter.tcp.up, bytes);
  });

  test("may go away: the dial is given up", async () => {
    await using target = await startEchoTarget();
    const { resolver, relay, client } = await startHeld(target.port);
    await using _relay = relay;
    client.socket.resetAndDestroy();
    const end = await relay.ended();
    assert.deepEqual([end.code, end.bytesUp], ["RELAY_CLIENT_ERROR", 0]);
    resolver.release();
    await relay.quiet();
    await sleep(20);
    assert.equal(target.accepted, 0);
    assert.equal(relay.app.sessions.size, 0);
  });

  test("may be cut off: the dial is given up", async () => {
    await using target = await startEchoTarget();
    const { resolver, relay, client } = await startHeld(target.port, { payload: Buffer.from("x") });
    await using _relay = relay;
    assert.equal(relay.app.sessions.terminateKey(String(relay.port), "SESSION_TERMINATED"), 1);
    assert.equal(await client.closed, "rst");
    assert.equal((await relay.ended()).code, "SESSION_TERMINATED");
    resolver.release();
    await sleep(20);
    assert.equal(target.accepted, 0);
  });

  test("must send chunks that open", async () => {
    const { relay, client } = await startHeld(9);
    await using _relay = relay;
    client.socket.write(Buffer.alloc(100, 0x55));
    assert.equal(await client.closed, "rst");
    assert.equal((await relay.ended()).code, "STREAM_CORRUPT");
  });
});
