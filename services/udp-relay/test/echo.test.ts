import assert from "node:assert/strict";
import { test } from "node:test";
import { METHODS } from "@shadowfleet/wire";
import { bindEcho, bindPeer, pause, until } from "./loopback.ts";
import { openClient, relayConfig, secretFor, startRelay } from "./relay-fixture.ts";

for (const { name: method } of METHODS) {
  test(`${method}: a datagram reaches its target and the answer comes back under the target's address`, async (t) => {
    const { port, clock, app } = await startRelay(t, relayConfig([{ method }]));
    const echo = await bindEcho(t);
    const client = await openClient(t, { method, port: port(), clock });
    for (const payload of ["", "x", "a question", "y".repeat(1400)]) {
      const answer = await client.ask("127.0.0.1", echo.address().port, payload);
      assert.equal(String(answer.payload), payload);
      assert.deepEqual([answer.source.host, answer.source.port], ["127.0.0.1", echo.address().port]);
    }
    assert.equal(app.sessions.size, 1, "one association serves them all");
  });
}

test("an IPv6 target is reached from an IPv4 client, and an IPv4 target from an IPv6 client", async (t) => {
  const { port, clock } = await startRelay(t, relayConfig([{ host: "::" }]));
  const [ipv4, ipv6] = [await bindEcho(t), await bindEcho(t, "::1")];
  for (const host of ["127.0.0.1", "::1"] as const) {
    const client = await openClient(t, { host, port: port(), clock });
    const fromIpv6 = await client.ask("::1", ipv6.address().port, "six");
    assert.deepEqual([fromIpv6.source.host, fromIpv6.source.port, String(fromIpv6.payload)], ["::1", ipv6.address().port, "six"]);
    const fromIpv4 = await client.ask("127.0.0.1", ipv4.address().port, "four");
    assert.deepEqual([fromIpv4.source.host, fromIpv4.source.port, String(fromIpv4.payload)], ["127.0.0.1", ipv4.address().port, "four"]);
  }
});

test("an IPv4-mapped target is IPv4, and so is the source of its answer", async (t) => {
  const { port, clock } = await startRelay(t, relayConfig([{}]));
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  const answer = await client.ask("::ffff:127.0.0.1", echo.address().port, "mapped");
  assert.deepEqual([answer.source.host, answer.source.port], ["127.0.0.1", echo.address().port]);
});

test("full cone: whoever sends to the association's socket reaches the client, under its own address", async (t) => {
  const { port, clock } = await startRelay(t, relayConfig([{}]));
  const [target, stranger] = [await bindPeer(t), await bindPeer(t)];
  target.on("message", (_, relay) => stranger.send("from elsewhere", relay.port, relay.address));
  const client = await openClient(t, { port: port(), clock });
  const answer = await client.ask("127.0.0.1", target.address().port, "hello");
  assert.equal(String(answer.payload), "from elsewhere");
  assert.deepEqual([answer.source.host, answer.source.port], ["127.0.0.1", stranger.address().port]);
});

test("one association keeps one outbound port for all its targets", async (t) => {
  const { port, clock } = await startRelay(t, relayConfig([{}]));
  const client = await openClient(t, { port: port(), clock });
  const seen: number[] = [];
  for (let at = 0; at < 3; at++) {
    const target = await bindEcho(t);
    target.on("message", (_, relay) => seen.push(relay.port));
    await client.ask("127.0.0.1", target.address().port, "which port?");
  }
  assert.equal(new Set(seen).size, 1);
});

test("the largest datagrams pass both ways; an answer that would not fit once sealed is dropped and counted", async (t) => {
  const method = "aes-128-gcm";
  const { port, clock, app } = await startRelay(t, relayConfig([{ method }]));
  const echo = await bindEcho(t);
  const client = await openClient(t, { method, port: port(), clock });
  const overhead = client.seal("127.0.0.1", echo.address().port, "").length;
  const largest = Buffer.alloc(65_507 - overhead, 1);
  const answer = await client.ask("127.0.0.1", echo.address().port, largest);
  assert.ok(answer.payload.equals(largest), "the answer's header is as long as the request's, so it just fits");

  const target = await bindPeer(t);
  let length = largest.length + 1;
  target.on("message", (_, relay) => target.send(Buffer.alloc(length), relay.port, relay.address));
  client.send("127.0.0.1", target.address().port, "more than fits, please");
  await until(() => app.counts.count("down", "PACKET_TOO_LARGE") === 1);
  length = 65_507;
  client.send("127.0.0.1", target.address().port, "the most UDP can carry, please");
  await until(() => app.counts.count("down", "PACKET_TOO_LARGE") === 2);
  await pause(20);
  assert.equal(client.answers.length, 1);
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "still there")).payload), "still there");
});

test("the bound on answers is the same over IPv6, which could carry more", async (t) => {
  const { port, clock, app } = await startRelay(t, relayConfig([{ host: "::1" }]));
  const client = await openClient(t, { host: "::1", port: port(), clock });
  const target = await bindPeer(t);
  const overhead = client.seal("127.0.0.1", target.address().port, "").length;
  let length = 65_508 - overhead;
  target.on("message", (_, relay) => target.send(Buffer.alloc(length), relay.port, relay.address));
  client.send("127.0.0.1", target.address().port, "one byte too many, please");
  await until(() => app.counts.count("down", "PACKET_TOO_LARGE") === 1);
  length -= 1;
  assert.equal((await client.ask("127.0.0.1", target.address().port, "one less")).payload.length, length);
  assert.equal(client.answers.length, 1);
});

test("many keys on one SIP004 port: each client is answered with its own key", async (t) => {
  const method = "chacha20-ietf-poly1305";
  const ids = ["alice", "bob", "carol", "dave", "erin"];
  const keys = Object.fromEntries(ids.map((id, at) => [id, secretFor(method, at + 1)]));
  const { port, clock, app } = await startRelay(t, relayConfig([{ method, keys }]));
  const echo = await bindEcho(t);
  for (const round of [1, 2]) {
    for (const [id, secret] of Object.entries(keys)) {
      const client = await openClient(t, { method, secret, port: port(), clock });
      const answer = await client.ask("127.0.0.1", echo.address().port, `${id} ${round}`);
      assert.equal(String(answer.payload), `${id} ${round}`);
      assert.equal(app.sessions.list(id).length, round);
    }
  }
});

for (const method of ["2022-blake3-aes-128-gcm", "2022-blake3-aes-256-gcm"]) {
  test(`${method}: identity headers name the key on a port with many`, async (t) => {
    const identityKey = secretFor(method, 100);
    const keys = Object.fromEntries(["alice", "bob", "carol"].map((id, at) => [id, secretFor(method, at + 1)]));
    const { port, clock, app } = await startRelay(t, relayConfig([{ method, keys, identityKey }]));
    const echo = await bindEcho(t);
    for (const [id, secret] of Object.entries(keys)) {
      const client = await openClient(t, { method, secret: `${identityKey}:${secret}`, port: port(), clock });
      assert.equal(String((await client.ask("127.0.0.1", echo.address().port, id)).payload), id);
      assert.equal(app.sessions.list(id).length, 1);
    }
    const stranger = await openClient(t, { method, secret: `${identityKey}:${secretFor(method, 9)}`, port: port(), clock });
    stranger.send("127.0.0.1", echo.address().port, "let me in");
    await until(() => app.counts.count("up", "AUTH_FAILED") === 1);
    assert.equal(app.sessions.size, 3);
  });
}
