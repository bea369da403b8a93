import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import {
  AssociateRefusedError,
  bindUdp,
  closeUdp,
  eventually,
  expectNoOpenHandles,
  SOCKS5_UDP_ASSOCIATE,
  socks5Associate,
  socks5Request,
  startSilentUdpTarget,
  startUdpEchoTarget,
  withDeadline,
  wrapDatagram,
} from "@shadowfleet/testkit";
import { CachingResolver } from "@shadowfleet/transport";
import { startGateway } from "./gateway-fixture.ts";
import { startTestUpstream } from "./test-upstream.ts";

expectNoOpenHandles();

describe("UDP ASSOCIATE", () => {
  test("datagrams go to the upstream's udpHost where it has one, connections to its host", async (t) => {
    const upstream = await startTestUpstream(t, {});
    await using echo = await startUdpEchoTarget();
    // Nothing listens on that address: a datagram sent there would never be answered.
    const gateway = await startGateway(t, { upstreams: [{ ...upstream.entry, host: "127.0.0.77", udpHost: upstream.host }] });
    const association = await socks5Associate({ proxy: gateway.proxy });
    association.send(echo, Buffer.from("elsewhere"));
    assert.equal(String((await association.receive()).payload), "elsewhere");
    assert.deepEqual(upstream.packets, [`127.0.0.1:${echo.port}`]);
    await association.close();
  });

  for (const method of [
    "aes-128-gcm",
    "chacha20-ietf-poly1305",
    "2022-blake3-aes-256-gcm",
    "2022-blake3-chacha20-poly1305",
    "aes-256-cfb",
  ]) {
    test(`${method}: echo to IPv4, IPv6 and a name; payload bytes are metered alike both ways`, async (t) => {
      const upstream = await startTestUpstream(t, { method, names: { "echo.test": "127.0.0.1" } });
      await using ipv4 = await startUdpEchoTarget();
      await using ipv6 = await startUdpEchoTarget({ host: "::1" });
      const gateway = await startGateway(t, { upstreams: [upstream.entry], allowInsecureCiphers: true });
      const association = await socks5Associate({ proxy: gateway.proxy });
      assert.equal(association.relay.host, "127.0.0.1", "the address the client came to");
      const ask = async (target: { host: string; port: number }, payload: string) => {
        association.send(target, Buffer.from(payload));
        return association.receive();
      };
      const four = await ask(ipv4, "four");
      assert.deepEqual([four.source, String(four.payload)], [{ host: "127.0.0.1", port: ipv4.port }, "four"]);
      const six = await ask(ipv6, "six");
      assert.deepEqual([six.source, String(six.payload)], [{ host: "::1", port: ipv6.port }, "six"]);
      const named = await ask({ host: "echo.test", port: ipv4.port }, "named");
      assert.deepEqual(String(named.payload), "named");
      const large = "x".repeat(60_000);
      assert.equal(String((await ask(ipv4, large)).payload), large);
      assert.deepEqual(upstream.packets.slice(0, 3), [`127.0.0.1:${ipv4.port}`, `[::1]:${ipv6.port}`, `echo.test:${ipv4.port}`]);
      await association.close();
      const { code, transport, bytesUp, bytesDown } = await gateway.nextEnd();
      const bytes = "foursixnamed".length + large.length;
      assert.deepEqual({ code, transport, bytesUp, bytesDown }, { code: "OK", transport: "udp", bytesUp: bytes, bytesDown: bytes });
      assert.deepEqual(gateway.app.traffic.of(undefined).udp, { up: bytes, down: bytes });
      assert.equal(gateway.metrics.total("shadowsocks.connections", { "network.transport": "udp", outcome: "OK" }), 1);
      assert.deepEqual([gateway.app.packets.get("up", "OK"), gateway.app.packets.get("down", "OK")], [4, 4]);
    });
  }

  test("an IPv6 upstream, an IPv6 listener", async (t) => {
    const upstream = await startTestUpstream(t, { host: "::1" });
    await using echo = await startUdpEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry], listen: { host: "::1", port: 0 } });
    await using association = await socks5Associate({ proxy: gateway.proxy, localHost: "::1" });
    assert.equal(association.relay.host, "::1");
    association.send(echo, Buffer.from("x"));
    assert.equal(String((await association.receive()).payload), "x");
  });

  test("a dual-stack listener answers each client with the address it came to", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startUdpEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry], listen: { host: "::", port: 0 } });
    for (const host of ["127.0.0.1", "::1"] as const) {
      await using association = await socks5Associate({ proxy: { host, port: gateway.proxy.port }, localHost: host });
      assert.equal(association.relay.host, host);
      association.send(echo, Buffer.from(host));
      assert.equal(String((await association.receive()).payload), host);
    }
  });

  test("several associations from one address are told apart by their first datagram", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startUdpEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry] });
    await using first = await socks5Associate({ proxy: gateway.proxy });
    await using second = await socks5Associate({ proxy: gateway.proxy });
    await using third = await socks5Associate({ proxy: gateway.proxy });
    assert.equal(new Set([first, second, third].map(({ relay }) => relay.port)).size, 1, "one UDP port for all");
    for (let round = 0; round < 3; round++) {
      for (const [n, association] of [third, first, second].entries()) {
        association.send(echo, Buffer.from(`${round} ${n}`));
        assert.equal(String((await association.receive()).payload), `${round} ${n}`);
      }
    }
    assert.deepEqual(
      [first, second, third].map(({ waiting }) => waiting),
      [0, 0, 0],
    );
    // Ending one leaves the others alone, and its port can be used again.
    await second.close();
    await gateway.nextEnd();
    first.send(echo, Buffer.from("still here"));
    assert.equal(String((await first.receive()).payload), "still here");
  });

  test("only the announced port is accepted where one was announced", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startUdpEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry] });
    const [announced, other] = [await bindUdp({ host: "127.0.0.1" }), await bindUdp({ host: "127.0.0.1" })];
    const target = { host: "0.0.0.0", port: announced.address().port };
    const { bound, socket } = await socks5Request({ proxy: gateway.proxy, command: SOCKS5_UDP_ASSOCIATE, target });
    const datagram = wrapDatagram(echo, Buffer.from("mine"));
    other.send(datagram, bound!.port, bound!.host);
    await eventually("the stranger's datagram is counted", () => gateway.app.packets.get("up", "PROXY_AUTH_FAILED") === 1);
    announced.send(datagram, bound!.port, bound!.host);
    await withDeadline(once(announced, "message"), 3000, "the answer");
    assert.equal(upstream.packets.length, 1);
    socket.destroy();
    await Promise.all([closeUdp(announced), closeUdp(other)]);
    await gateway.nextEnd();
  });

  test("datagrams without any association are dropped and counted", async (t) => {
    const upstream = await startTestUpstream(t);
    const gateway = await startGateway(t, { upstreams: [upstream.entry] });
    const association = await socks5Associate({ proxy: gateway.proxy });
    const { port } = association.relay;
    await association.close();
    await gateway.nextEnd();
    const stranger = await bindUdp({ host: "127.0.0.1" });
    stranger.send(wrapDatagram({ host: "127.0.0.1", port: 9 }, Buffer.from("x")), port, "127.0.0.1");
    await eventually("it is counted", () => gateway.app.packets.get("up", "PROXY_AUTH_FAILED") === 1);
    assert.deepEqual(upstream.packets, []);
    await closeUdp(stranger);
  });

  test("fragments, junk and oversized datagrams are dropped under their codes; the association goes on", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startUdpEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry] });
    await using association = await socks5Associate({ proxy: gateway.proxy });
    association.send(echo, Buffer.from("part"), { fragment: 1 });
    for (let length = 0; length < 10; length++) association.sendRaw(Buffer.alloc(length));
    association.sendRaw(Buffer.of(0, 0, 0, 9, 1, 2, 3));
    association.sendRaw(Buffer.concat([wrapDatagram(echo, Buffer.alloc(0)), Buffer.alloc(65_490)]));
    association.send(echo, Buffer.from("whole"));
    assert.equal(String((await association.receive()).payload), "whole");
    const { packets } = gateway.app;
    assert.equal(packets.get("up", "FRAGMENT_NOT_SUPPORTED"), 1);
    // Zeros from the fourth byte on are an address type that does not exist.
    assert.deepEqual([packets.get("up", "TOO_SHORT"), packets.get("up", "BAD_ADDRESS")], [4, 7]);
    assert.equal(packets.get("up", "PACKET_TOO_LARGE"), 1);
    assert.equal(upstream.packets.length, 1);
  });

  test("junk from the upstream's address is counted under the wire library's code and not passed on", async (t) => {
    const fake = await startSilentUdpTarget();
    t.after(() => fake.close());
    const gateway = await startGateway(t, { upstreams: [{ host: fake.host, port: fake.port, method: "aes-128-gcm", secret: "any" }] });
    await using association = await socks5Associate({ proxy: gateway.proxy });
    association.send({ host: "192.0.2.1", port: 53 }, Buffer.from("x"));
    const { host, port } = await fake.received();
    const sender = await bindUdp({ host: "127.0.0.1" });
    sender.send(Buffer.alloc(100), port, host);
    await closeUdp(sender);
    const upstreamGone = gateway.app.packets.get("down", "AUTH_FAILED");
    assert.equal(upstreamGone, 0, "a stranger's datagram does not even arrive at a connected socket");
    assert.equal(association.waiting, 0);
  });

  test("the association ends when its control connection ends, and idle ones end with it closed", async (t) => {
    const upstream = await startTestUpstream(t);
    await using echo = await startUdpEchoTarget();
    const gateway = await startGateway(t, { upstreams: [upstream.entry], timeouts: { udpIdle: "300ms" } });
    const association = await socks5Associate({ proxy: gateway.proxy });
    const closed = once(association.control, "close");
    for (let n = 0; n < 4; n++) {
      association.send(echo, Buffer.from("awake"));
      await association.receive();
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    assert.equal(gateway.ends.length, 0, "kept alive by its datagrams beyond the idle timeout");
    association.control.on("end", () => association.control.end());
    await withDeadline(closed, 3000, "the idle end");
    assert.equal((await gateway.nextEnd()).code, "IDLE_TIMEOUT");
    await association.close();
    assert.equal(gateway.metrics.observed("shadowsocks.udp.sessions.active"), 0);
  });

  test("beyond the cap an association is refused; one that ends makes room", async (t) => {
    const upstream = await startTestUpstream(t);
    const gateway = await startGateway(t, { upstreams: [upstream.entry], limits: { udpAssociations: 1 } });
    const first = await socks5Associate({ proxy: gateway.proxy });
    await assert.rejects(socks5Associate({ proxy: gateway.proxy }), (error: unknown) => {
      assert.ok(error instanceof AssociateRefusedError);
      assert.equal(error.answer.reply, 1);
      return true;
    });
    assert.equal((await gateway.nextEnd()).code, "UDP_SESSION_LIMIT");
    await first.close();
    await gateway.nextEnd();
    await (await socks5Associate({ proxy: gateway.proxy })).close();
    await gateway.expectOutcomes("OK", "OK", "UDP_SESSION_LIMIT");
  });

  test("an upstream whose name does not resolve is passed over; none left is SOCKS5 4", async (t) => {
    const resolver = new CachingResolver({ lookup: () => Promise.reject(new Error("ENOTFOUND")) });
    const upstream = await startTestUpstream(t);
    await using echo = await startUdpEchoTarget();
    const nowhere = { host: "nowhere.invalid", port: 1, method: "aes-128-gcm", secret: "any" };
    const gateway = await startGateway(t, { upstreams: [nowhere, upstream.entry] }, { resolver });
    const association = await socks5Associate({ proxy: gateway.proxy });
    association.send(echo, Buffer.from("x"));
    await association.receive();
    await association.close();
    assert.equal((await gateway.nextEnd()).upstreamId, `127.0.0.1:${upstream.port}`);
    const lost = await startGateway(t, { upstreams: [nowhere] }, { resolver });
    await assert.rejects(socks5Associate({ proxy: lost.proxy }), /refused with 4/);
    await lost.expectOutcomes("DNS_FAILED");
  });
});
