import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import {
  blackHole,
  ConnectionEndedError,
  expectNoOpenHandles,
  holdClosedPort,
  httpConnect,
  openSocket,
  readExactly,
  readThrough,
  SOCKS5_BIND,
  type SocksEndpoint,
  socks4Connect,
  socks5Request,
  startEchoTarget,
  startTcpTarget,
  withDeadline,
} from "@shadowfleet/testkit";
import { CachingResolver } from "@shadowfleet/transport";
import { type GatewayFixture, startGateway } from "./gateway-fixture.ts";
import { startTestUpstream } from "./test-upstream.ts";

expectNoOpenHandles();

const TARGET: SocksEndpoint = { host: "192.0.2.1", port: 80 };
const SECRETS = { method: "aes-128-gcm", secret: "any" };
const GET = "GET http://192.0.2.1/ HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n";

interface HttpAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** One plain HTTP request, to the end of the connection. */
async function plainRequest(proxy: SocksEndpoint, request: string): Promise<HttpAnswer> {
  const socket = await openSocket(proxy);
  socket.write(request);
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  await withDeadline(once(socket, "end"), 5000, "the end of the answer");
  socket.end();
  const [head = "", body = ""] = Buffer.concat(parts).toString("latin1").split("\r\n\r\n");
  return { status: Number(head.slice(9, 12)), head, body };
}

async function expectReset(socket: Socket): Promise<void> {
  await assert.rejects(readExactly(socket, 1, 3000, "a byte"), (error: unknown) => {
    assert.ok(error instanceof ConnectionEndedError, String(error));
    assert.equal((error.cause as NodeJS.ErrnoException | undefined)?.code, "ECONNRESET");
    return true;
  });
}

/** The same failure through every front door: SOCKS5 reply, SOCKS4 reply, and HTTP status for CONNECT and for a plain request. */
async function expectEverywhere(
  gateway: GatewayFixture,
  code: Parameters<GatewayFixture["expectOutcomes"]>[0],
  socks5: number,
  status: number,
) {
  const { proxy } = gateway;
  const answers = [
    await socks5Request({ proxy, target: TARGET }),
    await socks4Connect({ proxy, target: TARGET }),
    await httpConnect({ proxy, target: TARGET }),
  ];
  assert.deepEqual(
    answers.map(({ reply }) => reply),
    [socks5, 91, status],
  );
  for (const { socket } of answers) {
    socket.resume();
    socket.end();
  }
  const plain = await plainRequest(proxy, GET);
  assert.equal(plain.status, status);
  assert.match(plain.head, new RegExp(`\r\nX-Shadowfleet-Error: ${code}`));
  assert.match(plain.body, new RegExp(`^${code}: `));
  await gateway.expectOutcomes(code, code, code, code);
}

describe("an upstream that cannot be reached", () => {
  test("refused: SOCKS5 5, SOCKS4 91, HTTP 502; failCnt rises by one each", async (t) => {
    await using closed = await holdClosedPort();
    const gateway = await startGateway(t, { upstreams: [{ host: closed.host, port: closed.port, ...SECRETS }] });
    await expectEverywhere(gateway, "DIAL_REFUSED", 5, 502);
    const id = `127.0.0.1:${closed.port}`;
    assert.equal(gateway.failCounts.get(id), 4);
    assert.equal(gateway.metrics.observed("shadowsocks.upstream.fail.count", { upstream: id }), 4);
    assert.equal(gateway.metrics.total("shadowsocks.upstream.picks", { upstream: id, result: "DIAL_REFUSED" }), 4);
  });

  test("black hole: SOCKS5 6, HTTP 504, after the dial timeout", async (t) => {
    const { port } = await blackHole(t, "127.0.0.1");
    const gateway = await startGateway(t, { upstreams: [{ host: "127.0.0.1", port, ...SECRETS }], timeouts: { dial: "150ms" } });
    const startedMs = performance.now();
    await expectEverywhere(gateway, "DIAL_TIMEOUT", 6, 504);
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs >= 4 * 140 && tookMs < 4000, `${tookMs} ms`);
  });

  test("no route: SOCKS5 3", async (t) => {
    // TCP to a multicast address is refused by the kernel itself, on every machine and without a packet.
    const gateway = await startGateway(t, { upstreams: [{ host: "224.0.0.1", port: 80, ...SECRETS }] });
    await expectEverywhere(gateway, "DIAL_NETWORK_UNREACHABLE", 3, 502);
  });

  test("a name that does not resolve: SOCKS5 4", async (t) => {
    const resolver = new CachingResolver({ lookup: () => Promise.reject(new Error("ENOTFOUND")) });
    const gateway = await startGateway(t, { upstreams: [{ host: "nowhere.invalid", port: 80, ...SECRETS }] }, { resolver });
    await expectEverywhere(gateway, "DNS_FAILED", 4, 502);
  });

  test("none configured: SOCKS5 1, HTTP 503", async (t) => {
    const gateway = await startGateway(t, {});
    await expectEverywhere(gateway, "NO_UPSTREAM", 1, 503);
    assert.equal(gateway.app.readiness().ready, false);
  });
});

describe("failover", () => {
  test("the second upstream serves when the first refuses; the client notices nothing", async (t) => {
    await using closed = await holdClosedPort();
    await using echo = await startEchoTarget();
    const upstream = await startTestUpstream(t);
    const first = { id: "first", host: closed.host, port: closed.port, ...SECRETS };
    const gateway = await startGateway(t, { upstreams: [first, { id: "second", ...upstream.entry }] });
    for (let n = 0; n < 3; n++) {
      const { ok, socket } = await socks5Request({ proxy: gateway.proxy, target: echo, early: Buffer.from("hi") });
      assert.ok(ok);
      assert.equal(String(await readExactly(socket, 2, 5000, "the echo")), "hi");
      socket.end();
      socket.resume();
      assert.equal((await gateway.nextEnd()).upstreamId, "second");
    }
    assert.ok(gateway.failCounts.get("first") >= 1);
    assert.equal(gateway.failCounts.get("second"), 0);
    assert.equal(gateway.metrics.total("shadowsocks.upstream.picks", { upstream: "second", result: "OK" }), 3);
  });

  test("a failing upstream is skipped while the draw says so, is the last resort, and is cleared by success", async (t) => {
    await using echo = await startEchoTarget();
    const upstream = await startTestUpstream(t);
    await using closed = await holdClosedPort();
    const bad = { id: "bad", host: closed.host, port: closed.port, ...SECRETS };
    const gateway = await startGateway(t, { upstreams: [{ id: "good", ...upstream.entry }, bad] }, { random: () => 0.99 });
    gateway.failCounts.fail("good");
    const { ok, socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
    assert.ok(ok);
    socket.destroy();
    await gateway.nextEnd();
    const tries = gateway.metrics.measurements.filter(({ name }) => name === "shadowsocks.upstream.picks");
    assert.deepEqual(
      tries.map(({ attributes }) => attributes.upstream),
      ["bad", "good"],
    );
    assert.deepEqual([gateway.failCounts.get("good"), gateway.failCounts.get("bad")], [0, 1]);
    const explained = gateway.app.explainPick().map(({ upstreamId, failCount }) => [upstreamId, failCount]);
    assert.deepEqual(explained, [
      ["good", 0],
      ["bad", 1],
    ]);
  });
});

describe("an upstream that closes before its first byte", () => {
  const LEAVES: Readonly<Record<string, (socket: Socket) => void>> = {
    "ends at once": (socket) => void socket.resume().end(),
    "ends when asked": (socket) => void socket.once("data", () => socket.end()),
    "resets when asked": (socket) => void socket.once("data", () => socket.resetAndDestroy()),
  };
  for (const [how, leave] of Object.entries(LEAVES)) {
    const start = async (t: TestContext) => {
      const upstream = await startTcpTarget(leave);
      t.after(() => upstream.close());
      return startGateway(t, { upstreams: [{ id: "u", host: upstream.host, port: upstream.port, ...SECRETS }] });
    };

    test(`${how}: a SOCKS or CONNECT client is reset promptly, never left hanging; failCnt is not touched`, async (t) => {
      const gateway = await start(t);
      for (const connect of [socks5Request, socks4Connect, httpConnect]) {
        const { ok, socket } = await connect({ proxy: gateway.proxy, target: TARGET });
        assert.ok(ok);
        const startedMs = performance.now();
        socket.write("hello?");
        await expectReset(socket);
        assert.ok(performance.now() - startedMs < 1000);
      }
      await gateway.expectOutcomes("UPSTREAM_CLOSED_EARLY", "UPSTREAM_CLOSED_EARLY", "UPSTREAM_CLOSED_EARLY");
      assert.equal(gateway.failCounts.get("u"), 0);
      assert.equal(gateway.log.lines.filter(({ code, upstream }) => code === "UPSTREAM_CLOSED_EARLY" && upstream === "u").length, 3);
    });

    test(`${how}: a plain HTTP client gets 502 and the code`, async (t) => {
      const gateway = await start(t);
      const { status, head, body } = await plainRequest(gateway.proxy, GET);
      assert.equal(status, 502);
      assert.match(head, /\r\nX-Shadowfleet-Error: UPSTREAM_CLOSED_EARLY/);
      assert.match(body, /^UPSTREAM_CLOSED_EARLY: .+\n$/);
      await gateway.expectOutcomes("UPSTREAM_CLOSED_EARLY");
    });

    test(`${how}: a plain HTTP client in the middle of an upload gets 502 too`, async (t) => {
      const gateway = await start(t);
      const upload = `POST http://192.0.2.1/ HTTP/1.1\r\nHost: 192.0.2.1\r\nContent-Length: 400000\r\n\r\n${"x".repeat(300_000)}`;
      assert.equal((await plainRequest(gateway.proxy, upload)).status, 502);
      await gateway.expectOutcomes("UPSTREAM_CLOSED_EARLY");
    });
  }

  test("a client that has ended its own direction gets the end as it is", async (t) => {
    const upstream = await startTcpTarget((socket) => void socket.resume().on("end", () => socket.end()));
    t.after(() => upstream.close());
    const gateway = await startGateway(t, { upstreams: [{ host: upstream.host, port: upstream.port, ...SECRETS }] });
    const { socket } = await socks5Request({ proxy: gateway.proxy, target: TARGET });
    socket.end("upload without answer");
    socket.resume();
    await withDeadline(once(socket, "end"), 3000, "the end");
    await gateway.expectOutcomes("OK");
  });
});

describe("what a client does wrong", () => {
  test("wrong password: SOCKS5 sub-negotiation 1, SOCKS4 93, HTTP 407", async (t) => {
    const gateway = await startGateway(t, { users: [{ name: "alice", password: "wonderland" }] });
    const { proxy } = gateway;
    const login = { user: "alice", password: "guess" };
    const answers = [
      await socks5Request({ proxy, target: TARGET, login }),
      await socks5Request({ proxy, target: TARGET }),
      await socks4Connect({ proxy, target: TARGET, login }),
      await httpConnect({ proxy, target: TARGET, login }),
    ];
    assert.deepEqual(
      answers.map(({ reply }) => reply),
      [1, 255, 93, 407],
    );
    for (const { socket } of answers) {
      socket.resume();
      socket.end();
    }
    await gateway.expectOutcomes(...Array<"PROXY_AUTH_FAILED">(4).fill("PROXY_AUTH_FAILED"));
    assert.equal(gateway.metrics.total("shadowsocks.handshake.failures", { "error.type": "PROXY_AUTH_FAILED" }), 4);
  });

  test("BIND: SOCKS5 7", async (t) => {
    const gateway = await startGateway(t, {});
    const { reply, socket } = await socks5Request({ proxy: gateway.proxy, target: TARGET, command: SOCKS5_BIND });
    assert.equal(reply, 7);
    socket.resume();
    socket.end();
    await gateway.expectOutcomes("SOCKS_COMMAND_NOT_SUPPORTED");
  });

  test("an unknown first byte is closed on at once, without an answer", async (t) => {
    const gateway = await startGateway(t, {});
    for (const bytes of [Buffer.of(0x16, 3, 1), Buffer.of(0), Buffer.of(6), Buffer.from("\r\n")]) {
      const socket = await openSocket(gateway.proxy);
      socket.write(bytes);
      await assert.rejects(readExactly(socket, 1, 3000, "a byte"), ConnectionEndedError);
      socket.destroy();
    }
    await gateway.expectOutcomes(...Array<"PROTOCOL_UNKNOWN">(4).fill("PROTOCOL_UNKNOWN"));
  });

  test("silence and half a request end at the handshake timeout; an HTTP client is told 408", async (t) => {
    const gateway = await startGateway(t, { timeouts: { handshake: "100ms" } });
    const silent = await openSocket(gateway.proxy);
    const half = await openSocket(gateway.proxy);
    half.write(Buffer.of(5, 1, 0, 5, 1));
    assert.equal((await plainRequest(gateway.proxy, "GET http://h/ HTTP/1.1\r\n")).status, 408);
    await assert.rejects(readExactly(silent, 1, 3000, "a byte"), ConnectionEndedError);
    await readExactly(half, 2, 3000, "the method");
    await assert.rejects(readExactly(half, 1, 3000, "a byte"), ConnectionEndedError);
    silent.destroy();
    half.destroy();
    await gateway.expectOutcomes(...Array<"HANDSHAKE_TIMEOUT">(3).fill("HANDSHAKE_TIMEOUT"));
  });

  test("above the cap of unfinished requests the oldest gives way, and one that is complete does not count", async (t) => {
    const gateway = await startGateway(t, { timeouts: { handshake: "60s" }, limits: { handshakes: 3 } });
    const silent = [];
    for (let n = 0; n < 3; n++) silent.push(await openSocket(gateway.proxy));
    const half = plainRequest(gateway.proxy, "GET http://h/ HTTP/1.1\r\n");
    await assert.rejects(readExactly(silent[0]!, 1, 3000, "a byte"), ConnectionEndedError);
    for (let n = 0; n < 3; n++) silent.push(await openSocket(gateway.proxy));
    assert.equal((await half).status, 503, "an HTTP client is told");
    for (const socket of silent.slice(1, 3)) await assert.rejects(readExactly(socket, 1, 3000, "a byte"), ConnectionEndedError);
    // No upstream: answered 503 for that reason, having displaced the oldest.
    assert.equal((await plainRequest(gateway.proxy, "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n")).status, 503);
    await assert.rejects(readExactly(silent[3]!, 1, 3000, "a byte"), ConnectionEndedError);
    assert.equal(gateway.metrics.total("shadowsocks.handshake.failures", { "error.type": "HANDSHAKE_LIMIT" }), 5);
    for (const socket of silent) socket.destroy();
  });

  test("a client that leaves before its request is complete", async (t) => {
    const gateway = await startGateway(t, {});
    const ended = await openSocket(gateway.proxy);
    ended.end(Buffer.of(5, 1));
    ended.resume();
    const reset = await openSocket(gateway.proxy);
    reset.resetAndDestroy();
    await gateway.expectOutcomes("CLOSED_IN_HANDSHAKE", "CLOSED_IN_HANDSHAKE");
  });

  test("a client that leaves while its upstream is dialled: the dial is given up, the upstream not blamed", async (t) => {
    const { port } = await blackHole(t, "127.0.0.1");
    const gateway = await startGateway(t, { upstreams: [{ id: "hole", host: "127.0.0.1", port, ...SECRETS }], timeouts: { dial: "20s" } });
    const socket = await openSocket(gateway.proxy);
    socket.write(Buffer.of(5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 80));
    await readExactly(socket, 2, 3000, "the method");
    socket.resetAndDestroy();
    await gateway.expectOutcomes("RELAY_CLIENT_ERROR");
    assert.equal(gateway.failCounts.get("hole"), 0);
  });

  test("a chunked body that turns out malformed: 400 while nothing was sent yet, else the connection ends", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry] });
    const head = `POST http://127.0.0.1:${echo.port}/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n`;
    assert.equal((await plainRequest(gateway.proxy, `${head}xyz\r\n`)).status, 400);
    const socket = await openSocket(gateway.proxy);
    socket.write(`${head}2\r\nok\r\n`);
    // What is echoed is the request itself: no HTTP head, so it passes as it is.
    await readThrough(socket, "ok\r\n", 3000, "the echo");
    socket.write("nonsense\r\n");
    await assert.rejects(readExactly(socket, 1, 3000, "a byte"), ConnectionEndedError);
    await gateway.expectOutcomes("HTTP_BAD_REQUEST", "HTTP_BAD_REQUEST");
  });
});
