import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import {
  eventually,
  expectNoOpenHandles,
  freePort,
  holdClosedPort,
  isPortFree,
  openSocket,
  readExactly,
  socks5Associate,
  socks5Request,
  startEchoTarget,
  startUdpEchoTarget,
} from "@shadowfleet/testkit";
import { gatewayConfig, startGateway } from "./gateway-fixture.ts";
import { startTestUpstream } from "./test-upstream.ts";

expectNoOpenHandles();

async function echoes(socket: Socket, text: string): Promise<void> {
  socket.write(text);
  assert.equal(String(await readExactly(socket, text.length, 5000, "the echo")), text);
}

describe("reload", () => {
  test("live connections go on; users, upstreams and policy are new; failCnt stays with the id", async (t) => {
    const [before, after] = [await startTestUpstream(t), await startTestUpstream(t)];
    await using echo = await startEchoTarget();
    await using closed = await holdClosedPort();
    const bad = { id: "bad", host: closed.host, port: closed.port, method: "aes-128-gcm", secret: "any" };
    const gateway = await startGateway(t, { upstreams: [{ id: "before", ...before.entry }, bad] });
    const { proxy } = gateway;
    gateway.failCounts.fail("bad");
    const old = await socks5Request({ proxy, target: echo });
    await echoes(old.socket, "before the reload");
    await gateway.app.reload(
      gatewayConfig({
        upstreams: [bad, { id: "after", ...after.entry }],
        users: [{ name: "alice", password: "wonderland" }],
        policy: "latency",
      }),
    );
    await echoes(old.socket, "after the reload");
    assert.deepEqual(gateway.app.address, proxy, "the same port");
    assert.equal(gateway.failCounts.get("bad"), 1);
    const stranger = await socks5Request({ proxy, target: echo });
    assert.equal(stranger.reply, 255);
    stranger.socket.destroy();
    const { socket } = await socks5Request({ proxy, target: echo, login: { user: "alice", password: "wonderland" } });
    await echoes(socket, "new");
    assert.deepEqual([before.requests.length, after.requests.length], [1, 1]);
    old.socket.destroy();
    socket.destroy();
    await gateway.nextEnd();
  });

  test("a new port is bound, the old one freed, and its connections go on, UDP too", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startEchoTarget();
    await using udpEcho = await startUdpEchoTarget();
    const [first, second] = [await freePort(), await freePort()];
    const gateway = await startGateway(t, { upstreams: [upstream.entry], listen: { port: first } });
    const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
    await using association = await socks5Associate({ proxy: gateway.proxy });
    assert.equal(association.relay.port, first, "UDP has the same number where it is free");
    await gateway.app.reload(gatewayConfig({ upstreams: [upstream.entry], listen: { port: second } }));
    assert.equal(gateway.app.address.port, second);
    await assert.rejects(openSocket({ host: "127.0.0.1", port: first }));
    await echoes(socket, "still here");
    association.send(udpEcho, Buffer.from("here too"));
    assert.equal(String((await association.receive()).payload), "here too");
    (await socks5Request({ proxy: gateway.app.address, target: echo })).socket.destroy();
    socket.destroy();
    await association.close();
    await eventually("the old port is free", () => isPortFree(first));
  });

  test("another cap on the same port", async (t) => {
    const port = await freePort();
    const gateway = await startGateway(t, { listen: { port } });
    await gateway.app.reload(gatewayConfig({ listen: { port }, limits: { maxConnections: 7 } }));
    assert.equal(gateway.app.address.port, port);
    (await openSocket({ host: "127.0.0.1", port })).destroy();
  });

  test("a port that is taken leaves the old one serving", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry] });
    await gateway.app.reload(gatewayConfig({ upstreams: [upstream.entry], listen: { port: upstream.port } }));
    assert.equal(gateway.app.address.port, gateway.proxy.port);
    const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
    await echoes(socket, "served");
    socket.destroy();
    assert.equal(gateway.metrics.observed("fleet.ports.failed"), 1);
    assert.match(gateway.app.readiness().details.port ?? "", /failed/);
    assert.ok(gateway.log.lines.some(({ code }) => code === "BIND_FAILED"));
  });
});

test("a port that is taken at the start: not ready, logged, and bound as soon as it is free", async (t) => {
  const port = await freePort();
  const occupier = createServer().listen(port, "127.0.0.1");
  await once(occupier, "listening");
  const upstream = await startTestUpstream(t);
  const gateway = await startGateway(t, { upstreams: [upstream.entry], listen: { port } });
  const { ready, details } = gateway.app.readiness();
  assert.deepEqual([ready, details.port, gateway.app.address.port], [false, `${port} not bound`, port]);
  assert.equal(gateway.metrics.observed("fleet.ports.bound"), 0);
  occupier.close();
  await eventually("the port is bound", () => gateway.app.readiness().ready);
  assert.equal(gateway.metrics.observed("fleet.ports.failed"), 0);
});

describe("drain", () => {
  test("accepts nothing new, lets live connections finish, resolves when the last is closed", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry] });
    const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
    let drained = false;
    const draining = gateway.app.drain(10_000).then(() => {
      drained = true;
    });
    assert.equal(gateway.app.readiness().ready, false);
    await assert.rejects(openSocket(gateway.proxy));
    await echoes(socket, "not cut off");
    assert.equal(drained, false);
    socket.end();
    socket.resume();
    await draining;
    assert.deepEqual(
      gateway.ends.map(({ code }) => code),
      ["OK"],
    );
    assert.equal(gateway.metrics.observed("shadowsocks.connections.active"), undefined, "the readers are gone");
  });

  test("ends what is left at the deadline: tunnels, associations, requests in flight", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry] });
    const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
    socket.resume();
    const association = await socks5Associate({ proxy: gateway.proxy });
    const half = await openSocket(gateway.proxy);
    half.write(Buffer.of(5));
    await eventually("three connections", () => gateway.app.connections === 3);
    const startedMs = performance.now();
    await gateway.app.drain(300);
    assert.ok(performance.now() - startedMs < 2000);
    assert.equal(gateway.app.connections, 0);
    assert.deepEqual(
      gateway.ends.map(({ code }) => code),
      ["DRAIN_DEADLINE", "DRAIN_DEADLINE", "DRAIN_DEADLINE"],
    );
    half.destroy();
    await association.close();
  });

  test("clients that have asked for nothing do not hold it up", async (t) => {
    const gateway = await startGateway(t, {});
    const idle = await openSocket(gateway.proxy);
    await eventually("it is accepted", () => gateway.app.connections === 1);
    const startedMs = performance.now();
    await gateway.app.drain(30_000);
    assert.ok(performance.now() - startedMs < 3000);
    idle.destroy();
  });
});

test("what a scrape reads", async (t) => {
  const upstream = await startTestUpstream(t);
  await using echo = await startEchoTarget();
  const gateway = await startGateway(t, { upstreams: [{ id: "u", ...upstream.entry }] });
  const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
  await echoes(socket, "12345");
  const { metrics } = gateway;
  assert.equal(metrics.observed("shadowsocks.connections.active", { "network.transport": "tcp" }), 1);
  for (const direction of ["up", "down"]) {
    const attributes = { "network.transport": "tcp", "network.io.direction": direction };
    assert.equal(metrics.observed("shadowsocks.relay.bytes", attributes), 5, `${direction}, while the connection lives`);
  }
  assert.equal(metrics.observed("shadowsocks.upstream.fail.count", { upstream: "u" }), 0);
  assert.equal(metrics.observed("fleet.ports.bound"), 1);
  assert.equal(metrics.recorded("shadowsocks.dial.duration.seconds", { "error.type": "OK" }).length, 1);
  socket.destroy();
  await gateway.nextEnd();
  assert.equal(metrics.recorded("shadowsocks.connection.duration.seconds", { "network.transport": "tcp" }).length, 1);
});
