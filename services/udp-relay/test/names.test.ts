import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resolver } from "@shadowfleet/transport";
import { FakeResolver } from "./fake-resolver.ts";
import { bindEcho, bindPeer, pause, until } from "./loopback.ts";
import { openClient, relayConfig, startRelay } from "./relay-fixture.ts";

test("a target by name is resolved once and then sent to without waiting", async (t) => {
  const resolver = new FakeResolver({ "echo.example": ["127.0.0.1"] });
  const { port, clock } = await startRelay(t, relayConfig([{}]), { resolver });
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  for (const payload of ["first", "second", "third"]) {
    const answer = await client.ask("echo.example", echo.address().port, payload);
    assert.deepEqual([String(answer.payload), answer.source.host], [payload, "127.0.0.1"]);
  }
  assert.deepEqual(resolver.asked, ["echo.example"]);
});

test("the resolver of the system is used when none is given", async (t) => {
  const { port, clock } = await startRelay(t, relayConfig([{}]));
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  const answer = await client.ask("localhost", echo.address().port, "by name");
  assert.deepEqual([String(answer.payload), answer.source.host], ["by name", "127.0.0.1"]);
});

test("an IPv6-only name is reached over IPv6", async (t) => {
  const resolver = new FakeResolver({ "six.example": ["::1"] });
  const { port, clock } = await startRelay(t, relayConfig([{}]), { resolver });
  const echo = await bindEcho(t, "::1");
  const client = await openClient(t, { port: port(), clock });
  const answer = await client.ask("six.example", echo.address().port, "v6");
  assert.equal(answer.source.host, "::1");
});

test("one slow name delays neither other names nor addresses, and its datagrams are sent in order when it is known", async (t) => {
  const resolver = new FakeResolver({ "slow.example": ["127.0.0.1"], "fast.example": ["127.0.0.1"] });
  resolver.hold("slow.example");
  const { port, clock } = await startRelay(t, relayConfig([{}]), { resolver });
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  for (const payload of ["s1", "s2", "s3"]) client.send("slow.example", echo.address().port, payload);
  await until(() => resolver.asked.includes("slow.example"));
  assert.equal(String((await client.ask("fast.example", echo.address().port, "fast")).payload), "fast");
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "literal")).payload), "literal");
  resolver.letGo("slow.example");
  await client.answer(4);
  assert.deepEqual(
    client.answers.map(({ payload }) => String(payload)),
    ["fast", "literal", "s1", "s2", "s3"],
  );
  assert.deepEqual(resolver.asked, ["slow.example", "fast.example"]);
});

test("what waits for a name is bounded: the oldest is dropped and counted", async (t) => {
  const resolver = new FakeResolver({ "slow.example": ["127.0.0.1"] });
  resolver.hold("slow.example");
  const { port, clock, app } = await startRelay(t, relayConfig([{}]), { resolver });
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  for (let at = 0; at < 40; at++) client.send("slow.example", echo.address().port, String(at));
  await until(() => app.counts.count("up", "DNS_FAILED") === 8);
  resolver.letGo("slow.example");
  await client.answer(31);
  await pause(20);
  assert.deepEqual(
    client.answers.map(({ payload }) => Number(String(payload))),
    Array.from({ length: 32 }, (_, at) => at + 8),
  );
});

test("a name that does not resolve is dropped and counted, also when the resolver itself breaks", async (t) => {
  const resolver: Resolver = {
    peek: () => undefined,
    resolve: async (name) => {
      if (name === "broken.example") throw new Error("resolver broke");
      return { ok: false, code: "DNS_FAILED", cause: undefined };
    },
  };
  const { port, clock, app } = await startRelay(t, relayConfig([{}]), { resolver });
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  client.send("nowhere.example", 53, "?");
  client.send("broken.example", 53, "?");
  await until(() => app.counts.count("up", "DNS_FAILED") === 2);
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "still there")).payload), "still there");
});

test("a flow goes on with its address while the name is looked up afresh, and moves when the name has moved", async (t) => {
  const resolver = new FakeResolver({ "moving.example": ["127.0.0.1"] });
  const { port, clock, app } = await startRelay(t, relayConfig([{}]), { resolver });
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  await client.ask("moving.example", echo.address().port, "1");
  resolver.expire("moving.example");
  resolver.hold("moving.example");
  assert.equal(String((await client.ask("moving.example", echo.address().port, "2")).payload), "2");
  assert.deepEqual(resolver.asked, ["moving.example", "moving.example"]);

  const moved = await bindPeer(t, "::1");
  const arrived: string[] = [];
  moved.on("message", (payload) => arrived.push(String(payload)));
  resolver.set("moving.example", ["::1"]);
  resolver.letGo("moving.example");
  await until(() => resolver.peek("moving.example") !== undefined);
  client.send("moving.example", moved.address().port, "3");
  await until(() => arrived.length === 1);
  assert.deepEqual([arrived, app.counts.count("up", "DNS_FAILED")], [["3"], 0]);
});

test("a flow whose name has ceased to exist ends", async (t) => {
  const resolver = new FakeResolver({ "gone.example": ["127.0.0.1"] });
  const { port, clock, app } = await startRelay(t, relayConfig([{}]), { resolver });
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  await client.ask("gone.example", echo.address().port, "1");
  resolver.expire("gone.example");
  resolver.remove("gone.example");
  await client.ask("gone.example", echo.address().port, "on the old address");
  await until(() => resolver.peek("gone.example")?.ok === false);
  client.send("gone.example", echo.address().port, "2");
  await until(() => app.counts.count("up", "DNS_FAILED") === 1);
  await pause(20);
  assert.equal(client.answers.length, 2);
});

test("an association that ends while a name is looked up leaves nothing behind", async (t) => {
  const resolver = new FakeResolver({ "slow.example": ["127.0.0.1"] });
  resolver.hold("slow.example");
  const { port, clock, app } = await startRelay(t, relayConfig([{}]), { resolver });
  const target = await bindPeer(t);
  let reached = 0;
  target.on("message", () => reached++);
  const client = await openClient(t, { port: port(), clock });
  client.send("slow.example", target.address().port, "too late");
  await until(() => resolver.asked.length === 1);
  assert.equal(app.sessions.terminateKey("alice", "SESSION_TERMINATED"), 1);
  resolver.letGo("slow.example");
  await pause(30);
  assert.deepEqual([reached, app.counts.count("up", "DNS_FAILED"), app.sessions.size], [0, 1, 0]);
});

test("forbidden targets are dropped and counted: literals, mapped literals, and names by the address they resolve to", async (t) => {
  const resolver = new FakeResolver({ "inside.example": ["127.0.0.1"], "both.example": ["10.0.0.1", "::1"] });
  const config = relayConfig([{}], { allowPrivateTargets: false });
  const { port, clock, app, log } = await startRelay(t, config, { resolver });
  const echo = await bindEcho(t);
  let reached = 0;
  echo.on("message", () => reached++);
  const client = await openClient(t, { port: port(), clock });
  const forbidden = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "inside.example", "both.example", "0.0.0.0"];
  for (const host of forbidden) client.send(host, echo.address().port, "let me in");
  await until(() => app.counts.count("up", "TARGET_FORBIDDEN") === forbidden.length);
  await pause(20);
  assert.equal(reached, 0);
  assert.equal(app.counts.count("up", "OK"), 0);
  const lines = log.lines.filter(({ code, level }) => code === "TARGET_FORBIDDEN" && level === "info");
  assert.equal(lines.length, 1, "said once an association");
});

test("the allow list of a reload opens a target for the associations that are there", async (t) => {
  const config = relayConfig([{}], { allowPrivateTargets: false });
  const { port, clock, app } = await startRelay(t, config);
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  client.send("127.0.0.1", echo.address().port, "not yet");
  await until(() => app.counts.count("up", "TARGET_FORBIDDEN") === 1);
  await app.reload({ ...config, allowTargets: ["127.0.0.1/32"] });
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "now")).payload), "now");
  await app.reload({ ...config, allowTargets: ["127.0.0.0/8"], denyTargets: ["127.0.0.1/32"] });
  client.send("127.0.0.1", echo.address().port, "no more");
  await until(() => app.counts.count("up", "TARGET_FORBIDDEN") === 2);
  assert.equal(app.sessions.size, 1);
});

test("port 0 cannot be sent to and harms nothing", async (t) => {
  const { port, clock, app } = await startRelay(t, relayConfig([{}]));
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  client.send("127.0.0.1", 0, "where to?");
  await until(() => app.counts.count("up", "BAD_ADDRESS") === 1);
  assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "there")).payload), "there");
});

test("a name on the allow-list may stand for a private address; the address itself, and any other name for it, may not", async (t) => {
  const resolver = new FakeResolver({ "echo.example": ["127.0.0.1"], "other.example": ["127.0.0.1"] });
  const config = { ...relayConfig([{}]), allowPrivateTargets: false, allowTargets: ["echo.example"] };
  const { port, clock, app } = await startRelay(t, config, { resolver });
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: port(), clock });
  for (const host of ["other.example", "127.0.0.1"]) client.send(host, echo.address().port, "refused");
  await until(() => app.counts.count("up", "TARGET_FORBIDDEN") === 2);
  for (const payload of ["first", "second"]) {
    assert.equal(String((await client.ask("echo.example", echo.address().port, payload)).payload), payload);
  }
});
