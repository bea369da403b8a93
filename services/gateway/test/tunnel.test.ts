import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import {
  expectNoOpenHandles,
  httpConnect,
  type ProxyAnswer,
  type ProxyRequest,
  PseudoRandom,
  pseudoRandomSha256,
  readExactly,
  socks4Connect,
  socks5Request,
  startEchoTarget,
  startHalfCloseTarget,
  startServerFirstTarget,
  startSinkTarget,
  startSourceTarget,
  withDeadline,
} from "@shadowfleet/testkit";
import { startGateway } from "./gateway-fixture.ts";
import { startTestUpstream } from "./test-upstream.ts";

expectNoOpenHandles();

const FRONT_DOORS: Readonly<Record<string, (request: ProxyRequest) => Promise<ProxyAnswer>>> = {
  socks5: socks5Request,
  socks4: socks4Connect,
  http: httpConnect,
};

const read = (socket: Socket, length: number) => readExactly(socket, length, 5000, `${length} bytes`);

async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  await withDeadline(once(socket, "end"), 10_000, "the end of the stream");
  return Buffer.concat(parts);
}

for (const [door, connect] of Object.entries(FRONT_DOORS)) {
  describe(door, () => {
    test("success is told once the upstream stands; data flows both ways and ends with both ends", async (t) => {
      const upstream = await startTestUpstream(t);
      await using echo = await startEchoTarget();
      const gateway = await startGateway(t, { upstreams: [upstream.entry] });
      const { ok, socket } = await connect({ proxy: gateway.proxy, target: echo });
      assert.ok(ok);
      socket.write("ping");
      assert.equal(String(await read(socket, 4)), "ping");
      socket.end();
      await readAll(socket);
      const { code, protocol, upstreamId, bytesUp, bytesDown, user } = await gateway.nextEnd();
      assert.deepEqual(
        { code, protocol, upstreamId, bytesUp, bytesDown, user },
        { code: "OK", protocol: door, upstreamId: `127.0.0.1:${upstream.port}`, bytesUp: 4, bytesDown: 4, user: undefined },
      );
      await gateway.expectOutcomes("OK");
    });

    test("data pipelined behind the request is kept and travels in the first packet", async (t) => {
      const upstream = await startTestUpstream(t);
      await using echo = await startEchoTarget();
      const gateway = await startGateway(t, { upstreams: [upstream.entry] });
      const { socket } = await connect({ proxy: gateway.proxy, target: echo, early: Buffer.from("early bird") });
      assert.equal(String(await read(socket, 10)), "early bird");
      assert.deepEqual(upstream.requests, [{ target: `127.0.0.1:${echo.port}`, payload: "early bird" }]);
      socket.destroy();
      await gateway.nextEnd();
    });

    test("a name goes to the upstream as it is", async (t) => {
      const upstream = await startTestUpstream(t, { names: { "echo.test": "127.0.0.1" } });
      await using echo = await startEchoTarget();
      const gateway = await startGateway(t, { upstreams: [upstream.entry] });
      const { socket } = await connect({ proxy: gateway.proxy, target: { host: "echo.test", port: echo.port } });
      socket.write("x");
      await read(socket, 1);
      assert.equal(upstream.requests[0]?.target, `echo.test:${echo.port}`);
      socket.destroy();
      await gateway.nextEnd();
    });

    test("half-close by the client: the target answers after the client's end", async (t) => {
      const upstream = await startTestUpstream(t);
      await using target = await startHalfCloseTarget({ firstFin: "client", reply: Buffer.from("all received") });
      const gateway = await startGateway(t, { upstreams: [upstream.entry] });
      const { socket } = await connect({ proxy: gateway.proxy, target });
      socket.end("my whole request");
      assert.equal(String(await readAll(socket)), "all received");
      assert.deepEqual((await target.received()).bytes, 16);
      await gateway.expectOutcomes("OK");
    });

    test("half-close by the target: the client goes on sending after the target's end", async (t) => {
      const upstream = await startTestUpstream(t);
      await using target = await startHalfCloseTarget({ firstFin: "target", reply: Buffer.from("goodbye") });
      const gateway = await startGateway(t, { upstreams: [upstream.entry] });
      const { socket } = await connect({ proxy: gateway.proxy, target });
      assert.equal(String(await readAll(socket)), "goodbye");
      socket.end("after the end");
      const { bytes, end } = await target.received();
      assert.deepEqual([bytes, end], [13, "fin"]);
      await gateway.expectOutcomes("OK");
    });
  });
}

for (const method of ["chacha20-ietf-poly1305", "2022-blake3-aes-128-gcm", "2022-blake3-aes-256-gcm", "aes-256-cfb"]) {
  test(`${method}: 3 MiB up and 3 MiB down arrive whole`, async (t) => {
    const bytes = 3 * 1024 * 1024;
    const upstream = await startTestUpstream(t, { method });
    await using sink = await startSinkTarget();
    await using source = await startSourceTarget({ bytes });
    const gateway = await startGateway(t, { upstreams: [upstream.entry], allowInsecureCiphers: true });
    const up = await socks5Request({ proxy: gateway.proxy, target: sink });
    const payload = new PseudoRandom(1).bytes(bytes);
    up.socket.end(payload);
    up.socket.resume();
    const received = await sink.received(10_000);
    assert.deepEqual([received.bytes, received.sha256], [bytes, pseudoRandomSha256(1, bytes)]);
    const down = await socks5Request({ proxy: gateway.proxy, target: source });
    const answer = await readAll(down.socket);
    assert.equal(createHash("sha256").update(answer).digest("hex"), source.sha256);
    down.socket.end();
    await gateway.expectOutcomes("OK", "OK");
    const { tcp } = gateway.app.traffic.of(undefined);
    assert.deepEqual([tcp.up, tcp.down], [bytes, bytes]);
  });
}

describe("first payload", () => {
  test("what the client sends right after the success reply joins the first packet", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry], timeouts: { firstPayloadWait: "500ms" } });
    const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
    const startedMs = performance.now();
    socket.write("hello");
    await read(socket, 5);
    assert.ok(performance.now() - startedMs < 400, "the wait ends with the payload");
    assert.deepEqual(
      upstream.requests.map(({ payload }) => payload),
      ["hello"],
    );
    socket.destroy();
    await gateway.nextEnd();
  });

  test("a server that speaks first is not kept waiting: its greeting comes without the client having said anything", async (t) => {
    const upstream = await startTestUpstream(t);
    await using target = await startServerFirstTarget(Buffer.from("220 ready"));
    const gateway = await startGateway(t, { upstreams: [upstream.entry] });
    const delays: number[] = [];
    for (let n = 0; n < 5; n++) {
      const { socket } = await socks5Request({ proxy: gateway.proxy, target });
      const startedMs = performance.now();
      assert.equal(String(await read(socket, 9)), "220 ready");
      delays.push(performance.now() - startedMs);
      socket.destroy();
      await gateway.nextEnd();
    }
    assert.ok(Math.min(...delays) < 50, `quickest of ${delays.map(Math.round)} ms`);
    assert.deepEqual(new Set(upstream.requests.map(({ payload }) => payload)), new Set([""]));
  });

  test("a client that ends at once is not waited for, and its end is passed on", async (t) => {
    const upstream = await startTestUpstream(t);
    await using target = await startHalfCloseTarget({ firstFin: "client" });
    const gateway = await startGateway(t, { upstreams: [upstream.entry], timeouts: { firstPayloadWait: "1s" } });
    const { socket } = await socks5Request({ proxy: gateway.proxy, target });
    const startedMs = performance.now();
    socket.end();
    assert.equal(String(await readAll(socket)), "goodbye");
    assert.ok(performance.now() - startedMs < 800);
    await gateway.expectOutcomes("OK");
  });

  test("firstPayloadWait 0 sends the request alone", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry], timeouts: { firstPayloadWait: "0ms" } });
    const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
    socket.write("hello");
    await read(socket, 5);
    assert.equal(upstream.requests[0]?.payload, "");
    socket.destroy();
    await gateway.nextEnd();
  });
});

test("200 connections at once, each with its own data", async (t) => {
  const upstream = await startTestUpstream(t);
  await using echo = await startEchoTarget();
  const gateway = await startGateway(t, { upstreams: [upstream.entry] });
  const doors = Object.values(FRONT_DOORS);
  await Promise.all(
    Array.from({ length: 200 }, async (_, n) => {
      const { ok, socket } = await doors[n % doors.length]!({ proxy: gateway.proxy, target: echo, deadlineMs: 15_000 });
      assert.ok(ok);
      const message = `message of connection ${n}`.padEnd(2000, ".");
      socket.write(message);
      assert.equal(String(await readExactly(socket, message.length, 15_000, "the echo")), message);
      socket.end();
      await readAll(socket);
    }),
  );
  await gateway.expectOutcomes(...Array<"OK">(200).fill("OK"));
  assert.equal(upstream.accepted, 200);
});

test("an idle tunnel ends after the idle timeout", async (t) => {
  const upstream = await startTestUpstream(t);
  await using echo = await startEchoTarget();
  const gateway = await startGateway(t, { upstreams: [upstream.entry], timeouts: { idle: "1s" } });
  const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
  const closed = Promise.withResolvers<void>();
  socket.on("close", () => closed.resolve()).resume();
  await withDeadline(closed.promise, 5000, "the idle close");
  await gateway.expectOutcomes("IDLE_TIMEOUT");
});

test("secrets, and at info level addresses, stay out of the log", async (t) => {
  const upstream = await startTestUpstream(t);
  await using echo = await startEchoTarget();
  const gateway = await startGateway(t, { upstreams: [upstream.entry], users: [{ name: "alice", password: "wonderland" }] });
  gateway.log.logger.level = "info";
  const login = { user: "alice", password: "wonderland" };
  const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo, login });
  socket.write("x");
  await read(socket, 1);
  socket.destroy();
  assert.equal((await gateway.nextEnd()).user, "alice");
  const lines = gateway.log.lines.filter(({ msg }) => msg === "session ended");
  assert.equal(lines.length, 1);
  assert.deepEqual([lines[0]?.user, lines[0]?.target, lines[0]?.client], ["alice", undefined, undefined]);
  assert.ok(!gateway.log.text.includes("wonderland") && !gateway.log.text.includes(upstream.secret));
});
