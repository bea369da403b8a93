import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import {
  binaryProxyHeader,
  byteByByte,
  eventually,
  freePort,
  PseudoRandom,
  probe,
  startEchoTarget,
  textProxyHeader,
} from "@shadowfleet/testkit";
import { type RelayFixture, relayConfig, startRelay, startSingle } from "./relay-fixture.ts";
import { ShadowClient, sealedRequest } from "./shadow-client.ts";

const BALANCER = "127.0.0.1";
const ELSEWHERE = "127.0.0.9";
const proxyProtocol = { trustedSources: [BALANCER] };
const CLIENT = { host: "203.0.113.9", port: 40_000 };
const psk = Buffer.alloc(16, 3).toString("base64");
const secrets: Readonly<Record<string, string>> = { "chacha20-ietf-poly1305": "pw", "2022-blake3-aes-128-gcm": psk };
const METHOD = "chacha20-ietf-poly1305";
const nowhere = { host: "127.0.0.1", port: 9 };
const DEADLINE_MS = 1_000;
const LATE_MS = 2_500;

type Relay = RelayFixture & { readonly port: number };

const failures = (relay: RelayFixture, code: string): number =>
  relay.metrics.total("shadowsocks.handshake.failures", { "error.type": code });

async function assertSilent(relay: Relay, pieces: readonly Buffer[], what: string, pieceGapMs = 1): Promise<void> {
  const { received, close, closedAfterMs } = await probe({ host: BALANCER, port: relay.port, pieces, pieceGapMs, deadlineMs: 10_000 });
  assert.deepEqual([received.length, close], [0, "fin"], what);
  assert.ok(closedAfterMs > DEADLINE_MS - 50 && closedAfterMs < DEADLINE_MS + LATE_MS, `${what}: ${closedAfterMs} ms`);
}

describe("behind a load balancer that sends PROXY protocol headers", () => {
  for (const [method, secret] of Object.entries(secrets)) {
    for (const [name, header] of [
      ["version 1", textProxyHeader({ source: CLIENT })],
      ["version 2", binaryProxyHeader({ source: CLIENT }, { tlvs: [[4, Buffer.alloc(20)]], checksum: "right" })],
    ] as const) {
      test(`${method}, ${name} in the same segment as the request: served, and the client is the real one everywhere`, async () => {
        await using relay = await startSingle(method, secret, { proxyProtocol });
        await using target = await startEchoTarget();
        using client = await ShadowClient.open({ port: relay.port, method, secret, target, payload: Buffer.from("hello"), before: header });
        assert.equal((await client.receive(5)).toString(), "hello");
        const [session] = relay.app.sessions.list();
        assert.deepEqual([session?.clientHost, session?.clientPort], [CLIENT.host, CLIENT.port]);
        client.write(Buffer.from(" and more"));
        assert.equal((await client.receive(14)).toString(), "hello and more");
        client.end();
        assert.equal((await relay.ended()).code, "OK");
        await relay.quiet();
        assert.equal(relay.log.lines.find(({ msg }) => msg === "session ended")?.client, `${CLIENT.host} ${CLIENT.port}`);
        assert.equal(relay.metrics.total("shadowsocks.connections"), 1, "counted once");
        assert.equal(relay.metrics.observed("shadowsocks.strangers.active"), 0);
      });
    }

    test(`${method}: the header byte by byte, the request in a read of its own`, async () => {
      await using relay = await startSingle(method, secret, { proxyProtocol });
      await using target = await startEchoTarget();
      const request = sealedRequest({ method, secret, target, payload: Buffer.from("hello") });
      const pieces = [...byteByByte(binaryProxyHeader({ source: CLIENT })).pieces, request];
      const { received } = await probe({ host: BALANCER, port: relay.port, pieces, pieceGapMs: 2, fin: true, deadlineMs: 5_000 });
      assert.ok(received.length > 5, "answered");
      assert.equal((await relay.ended()).bytesUp, 5);
    });
  }

  test("2022: bytes behind the header in one read are the first read, and must hold the whole header of the stream", async () => {
    const method = "2022-blake3-aes-128-gcm";
    await using relay = await startSingle(method, psk, { proxyProtocol, timeouts: { handshake: `${DEADLINE_MS}ms` } });
    const request = sealedRequest({ method, secret: psk, target: nowhere, payload: Buffer.from("hello") });
    const first = Buffer.concat([textProxyHeader({ source: CLIENT }), request.subarray(0, 10)]);
    await assertSilent(relay, [first, request.subarray(10)], "cut in the salt", 100);
    assert.equal(failures(relay, "SEGMENTED_HEADER"), 1);
  });

  test("LOCAL and UNKNOWN: the balancer's own address", async () => {
    await using relay = await startSingle(METHOD, "pw", { proxyProtocol });
    await using target = await startEchoTarget();
    for (const before of [binaryProxyHeader(undefined, { command: "LOCAL" }), Buffer.from("PROXY UNKNOWN\r\n")]) {
      using client = await ShadowClient.open({ port: relay.port, method: METHOD, secret: "pw", target, payload: Buffer.from("x"), before });
      await client.receive(1);
      assert.equal(relay.app.sessions.list()[0]?.clientHost, BALANCER);
      client.end();
      await relay.quiet();
    }
  });

  test("from any other source the bytes are not looked at: no header is needed, and one is as good as noise", async () => {
    await using relay = await startSingle(METHOD, "pw", { proxyProtocol, timeouts: { handshake: "60s" } });
    await using target = await startEchoTarget();
    const open = { port: relay.port, localAddress: ELSEWHERE, method: METHOD, secret: "pw", target, payload: Buffer.from("plain") };
    using client = await ShadowClient.open(open);
    assert.equal((await client.receive(5)).toString(), "plain");
    assert.equal(relay.app.sessions.list()[0]?.clientHost, ELSEWHERE);
    using forger = await ShadowClient.open({ ...open, before: textProxyHeader({ source: CLIENT }) });
    await eventually("the forger refused", () => failures(relay, "AUTH_FAILED") === 1);
    forger.socket.destroy();
    client.socket.destroy();
    await relay.quiet();
    assert.ok(!relay.log.text.includes(CLIENT.host), "the forged address is nowhere");
  });

  test("without a valid header it is silent to the deadline, whatever came", { timeout: 30_000 }, async () => {
    await using relay = await startSingle(METHOD, "pw", { proxyProtocol, timeouts: { handshake: `${DEADLINE_MS}ms` } });
    const request = () => sealedRequest({ method: METHOD, secret: "pw", target: nowhere, payload: Buffer.from("hello") });
    const header = textProxyHeader({ source: CLIENT });
    const wrong = Buffer.from(header).fill("7", 7, 10);
    const random = new PseudoRandom(6);
    await Promise.all([
      assertSilent(relay, [], "nothing"),
      assertSilent(relay, [request()], "no header at all"),
      assertSilent(relay, [Buffer.concat([wrong, request()])], "a wrong header and a valid request"),
      assertSilent(relay, [wrong, request(), random.bytes(100_000)], "the same, and much behind it"),
      assertSilent(relay, [header.subarray(0, 20)], "half a header"),
      assertSilent(relay, [header], "a header alone"),
      assertSilent(relay, [Buffer.concat([header, random.bytes(200)])], "a header and noise"),
      assertSilent(relay, [...byteByByte(header).pieces, request().subarray(0, 40)], "dripping into the time that is left", 15),
    ]);
    await relay.quiet();
    assert.equal(failures(relay, "PROXY_HEADER_INVALID"), 3);
    assert.equal(failures(relay, "HANDSHAKE_TIMEOUT"), 4);
    assert.equal(failures(relay, "AUTH_FAILED"), 1);
    assert.equal(relay.metrics.total("shadowsocks.connections"), 8, "each counted once");
    assert.ok(relay.log.lines.every(({ level, msg }) => level === "debug" || !msg?.includes("ended")));
  });

  test("the deadline runs from accept, also behind those that came later and are due later", async () => {
    await using relay = await startSingle(METHOD, "pw", { proxyProtocol, timeouts: { handshake: `${DEADLINE_MS}ms` } });
    const header = textProxyHeader({ source: CLIENT });
    const slow = assertSilent(relay, [header.subarray(0, 5), header.subarray(5)], "a header after 700 ms", 700);
    const later = Array.from({ length: 5 }, async (_, n) => {
      await new Promise((resolve) => setTimeout(resolve, 400 + n * 20));
      await assertSilent(relay, [header], "later");
    });
    await Promise.all([slow, ...later]);
    assert.deepEqual([failures(relay, "HANDSHAKE_TIMEOUT"), failures(relay, "HANDSHAKE_LIMIT")], [6, 0]);
  });

  test("caps and budgets go by the client's address", async () => {
    const port = await freePort();
    const keys = Array.from({ length: 40 }, (_, n) => ({ id: `key-${n}`, secret: `secret ${n}` }));
    const config = relayConfig({
      ports: [{ port, host: "127.0.0.1", method: METHOD, keys }],
      proxyProtocol,
      limits: { strangersPerSource: 3, keyTrialsPerSource: 20 },
      timeouts: { handshake: "60s" },
    });
    await using relay = await startRelay(config);
    await using target = await startEchoTarget();
    const random = new PseudoRandom(9);
    const stranger = (host: string) =>
      probe({
        host: BALANCER,
        port,
        pieces: [Buffer.concat([binaryProxyHeader({ source: { host, port: 1 } }), random.bytes(200)])],
        deadlineMs: 2_000,
      });
    const displaced = () => relay.metrics.observed("shadowsocks.strangers.displaced", { limit: "source" });
    const many = Array.from({ length: 10 }, (_, n) => stranger(`203.0.113.${n}`));
    await eventually("ten strangers", () => relay.metrics.observed("shadowsocks.strangers.active") === 10);
    assert.equal(displaced(), 0, "one balancer, ten clients");
    const one = Array.from({ length: 8 }, () => stranger("198.51.100.1"));
    await eventually("five of eight displaced", () => displaced() === 5);
    assert.ok(failures(relay, "TRIAL_LIMIT") > 0, "one source has used up its trials");
    const header = (host: string) => binaryProxyHeader({ source: { host, port: 1 } });
    const open = { port, method: METHOD, secret: "secret 12", target, payload: Buffer.from("hello") };
    using client = await ShadowClient.open({ ...open, before: header("198.51.100.2") });
    assert.equal((await client.receive(5)).toString(), "hello", "another client of the same balancer has its own");
    await Promise.all([...many, ...one]);
  });

  test("a reload holds for connections that come after it", async () => {
    await using relay = await startSingle(METHOD, "pw");
    await using target = await startEchoTarget();
    const open = { port: relay.port, method: METHOD, secret: "pw", target, payload: Buffer.from("x") };
    using before = await ShadowClient.open(open);
    await before.receive(1);
    const ports = [{ port: relay.port, host: "127.0.0.1", method: METHOD, password: "pw" }];
    await relay.app.reload(relayConfig({ ports, proxyProtocol }));
    using after = await ShadowClient.open({ ...open, before: textProxyHeader({ source: CLIENT }) });
    await after.receive(1);
    assert.deepEqual(
      relay.app.sessions.list().map(({ clientHost }) => clientHost),
      [BALANCER, CLIENT.host],
    );
  });

  test("a drain does not wait for headers", async () => {
    const relay = await startSingle(METHOD, "pw", { proxyProtocol, timeouts: { handshake: "60s" } });
    const waiting = probe({ host: BALANCER, port: relay.port, pieces: [Buffer.from("PROXY TCP4")], deadlineMs: 20_000 });
    await eventually("a connection", () => relay.app.connections === 1);
    await relay.app.drain(10_000);
    const { close, closedAfterMs } = await waiting;
    assert.equal(close, "fin");
    assert.ok(closedAfterMs < 8_000, `${closedAfterMs} ms`);
    assert.equal(relay.app.connections, 0);
  });

  test("a health check that is gone before it is accepted, so that nobody knows whose it was, is no client that failed", async () => {
    await using relay = await startSingle("2022-blake3-aes-128-gcm", psk, { proxyProtocol });
    const header = binaryProxyHeader(undefined, { command: "LOCAL" }).toString("hex");
    const check = `const socket = require("node:net").connect(${relay.port}, "${BALANCER}", () => {
      socket.write(Buffer.from("${header}", "hex"), () => socket.resetAndDestroy());
    });`;
    // This process does not get to accept meanwhile.
    execFileSync(process.execPath, ["-e", check]);
    await eventually("its end", () => relay.metrics.total("shadowsocks.connections") === 1);
    assert.equal(failures(relay, "CLOSED_IN_HANDSHAKE"), 1);
    assert.equal(relay.log.lines.find(({ code }) => code === "CLOSED_IN_HANDSHAKE")?.client, " 0");
  });

  test("sources that are none are refused by name of the setting", () => {
    const wrong = { ports: [{ port: 1, password: "x" }], proxyProtocol: { trustedSources: ["10.0.0.0/8", "lb.example"] } };
    assert.throws(() => relayConfig(wrong), /proxyProtocol\.trustedSources\[1\]/);
    assert.throws(() => relayConfig({ ...wrong, proxyProtocol: { trustedSources: [] } }), /proxyProtocol\.trustedSources/);
  });
});
