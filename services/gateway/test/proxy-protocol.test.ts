import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import {
  binaryProxyHeader,
  byteByByte,
  eventually,
  expectNoOpenHandles,
  openSocket,
  probe,
  readExactly,
  startEchoTarget,
  textProxyHeader,
} from "@shadowfleet/testkit";
import { type GatewayFixture, gatewayConfig, startGateway } from "./gateway-fixture.ts";
import { startTestUpstream } from "./test-upstream.ts";

expectNoOpenHandles();

const BALANCER = "127.0.0.1";
const CLIENT = { host: "2001:db8::9", port: 40_000 };
const proxyProtocol = { trustedSources: [BALANCER] };
const GREETING = Buffer.of(5, 1, 0);

function connectRequest(target: { readonly port: number }): Buffer {
  return Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, target.port >> 8, target.port & 0xff]);
}

async function behindBalancer(t: TestContext): Promise<GatewayFixture> {
  const upstream = await startTestUpstream(t);
  return await startGateway(t, { upstreams: [upstream.entry], proxyProtocol });
}

/** SOCKS5 with whatever was sent in front of it, up to an echo. */
async function echoes(socket: Socket, target: { readonly port: number }): Promise<void> {
  assert.deepEqual(await readExactly(socket, 2, 5000, "the method"), Buffer.of(5, 0));
  socket.write(connectRequest(target));
  assert.equal((await readExactly(socket, 10, 5000, "the reply"))[1], 0);
  socket.write("echo");
  assert.equal(String(await readExactly(socket, 4, 5000, "the echo")), "echo");
}

const clientOf = (gateway: GatewayFixture): unknown => gateway.log.lines.findLast(({ client }) => client !== undefined)?.client;

describe("a gateway behind a load balancer that sends PROXY protocol headers", () => {
  for (const [name, header] of [
    ["version 1", textProxyHeader({ source: CLIENT })],
    ["version 2", binaryProxyHeader({ source: CLIENT }, { checksum: "right" })],
  ] as const) {
    test(`${name}: with the greeting in one write, and byte by byte; logs have the client`, async (t) => {
      const gateway = await behindBalancer(t);
      await using echo = await startEchoTarget();
      for (const pieces of [[Buffer.concat([header, GREETING])], [...byteByByte(Buffer.concat([header, GREETING])).pieces]]) {
        const socket = await openSocket(gateway.proxy);
        for (const piece of pieces) {
          socket.write(piece);
          if (pieces.length > 1) await new Promise((resolve) => setTimeout(resolve, 1));
        }
        await echoes(socket, echo);
        socket.destroy();
        await gateway.nextEnd();
        assert.equal(clientOf(gateway), `${CLIENT.host} ${CLIENT.port}`);
      }
    });
  }

  test("from other sources no header is looked for, and one is no request", async (t) => {
    const gateway = await behindBalancer(t);
    await using echo = await startEchoTarget();
    const open = { host: "127.0.0.1", port: gateway.proxy.port, localAddress: "127.0.0.9" };
    const plain = connect(open);
    plain.write(GREETING);
    await echoes(plain, echo);
    plain.destroy();
    await gateway.nextEnd();
    assert.match(String(clientOf(gateway)), /^127\.0\.0\.9 /);
    const forger = connect(open);
    forger.on("error", () => {});
    forger.resume().write(Buffer.concat([textProxyHeader({ source: CLIENT }), Buffer.from("\r\n")]));
    // Its first byte is a letter: an HTTP request, of a kind that there is not.
    assert.equal((await gateway.nextEnd()).code, "HTTP_BAD_REQUEST");
    assert.ok(!gateway.log.text.includes(CLIENT.host), "the forged address is nowhere");
  });

  test("without a header it is closed without a word", async (t) => {
    const gateway = await startGateway(t, { proxyProtocol });
    for (const bytes of [GREETING, Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.from("PROXY TCP4 1.2.3.4\r\n")]) {
      const { received } = await probe({ ...gateway.proxy, pieces: [bytes], deadlineMs: 5_000 });
      assert.equal(received.length, 0);
      assert.equal((await gateway.nextEnd()).code, "PROXY_HEADER_INVALID");
    }
    assert.equal(gateway.metrics.total("shadowsocks.handshake.failures", { "error.type": "PROXY_HEADER_INVALID" }), 3);
  });

  test("header and request share one deadline", async (t) => {
    const gateway = await startGateway(t, { proxyProtocol, timeouts: { handshake: "2s" } });
    const header = textProxyHeader({ source: CLIENT });
    const [half, late] = await Promise.all([
      probe({ ...gateway.proxy, pieces: [header.subarray(0, 9)], deadlineMs: 8_000 }),
      probe({ ...gateway.proxy, pieces: [header.subarray(0, 9), header.subarray(9)], pieceGapMs: 1_500, deadlineMs: 8_000 }),
    ]);
    for (const { received, closedAfterMs } of [half, late]) {
      assert.equal(received.length, 0);
      assert.ok(closedAfterMs > 1_950 && closedAfterMs < 3_300, `${closedAfterMs} ms`);
    }
    await gateway.expectOutcomes("HANDSHAKE_TIMEOUT", "HANDSHAKE_TIMEOUT");
  });

  test("those that wait for a header give way as all that are not complete, and end with the gateway", async (t) => {
    const gateway = await startGateway(t, { proxyProtocol, limits: { handshakes: 2 } });
    const waiting = Array.from({ length: 5 }, () => probe({ ...gateway.proxy, pieces: [Buffer.from("PROXY")], deadlineMs: 10_000 }));
    await eventually("three that gave way", () => gateway.ends.length === 3);
    assert.ok(gateway.ends.every(({ code }) => code === "HANDSHAKE_LIMIT"));
    await gateway.app.drain(0);
    await Promise.all(waiting);
    assert.equal(gateway.app.connections, 0);
  });

  test("a source that is none is refused", () => {
    assert.throws(() => gatewayConfig({ proxyProtocol: { trustedSources: ["balancer"] } }), /proxyProtocol\.trustedSources\[0\]/);
  });
});
