import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { FakeConfigService } from "@shadowfleet/control-api/testing";
import { FleetError } from "@shadowfleet/runtime";
import { eventually, freePort, probe, pseudoRandomSha256, startEchoTarget, startSourceTarget } from "@shadowfleet/testkit";
import { key, METHOD, port, startFleetRelay } from "./fleet-fixture.ts";
import { ShadowClient } from "./shadow-client.ts";

const psk = (fill: number, length = 16) => Buffer.alloc(length, fill).toString("base64");

type Target = { readonly host: string; readonly port: number };

const open = (number: number, secret: string, target: Target, method = METHOD) =>
  ShadowClient.open({ port: number, method, secret, target, payload: Buffer.from("x") });

async function echoes(client: ShadowClient, text: string): Promise<void> {
  const before = client.received.length;
  client.write(Buffer.from(text));
  assert.equal((await client.receive(before + text.length)).subarray(before).toString(), text);
}

describe("tcp-relay in a fleet", () => {
  test("serves what management adds, cuts off what it takes away, and leaves the rest alone", async () => {
    await using target = await startEchoTarget();
    await using fleet = await startFleetRelay();
    const { relay, stream } = fleet;
    const [stays, goes] = [await freePort(), await freePort()];
    assert.equal(relay.app.readiness().ready, false);
    stream.snapshot({ ports: [port(stays), port(goes)], keys: [key("alice", stays), key("bob", stays), key("carol", goes)] });
    await eventually("two ports", () => relay.app.boundPort(stays) !== undefined && relay.app.boundPort(goes) !== undefined);
    assert.equal(relay.app.readiness().ready, true);
    using alice = await open(stays, "alice", target);
    using bob = await open(stays, "bob", target);
    using carol = await open(goes, "carol", target);
    for (const client of [alice, bob, carol]) await client.receive(1);
    const removedMs = performance.now();
    stream.delta({ removedKeys: ["bob", "carol"], removedPorts: [goes], keys: [key("dave", stays)] });
    assert.deepEqual([await bob.closed, await carol.closed], ["rst", "rst"]);
    assert.ok(performance.now() - removedMs < 1000);
    await eventually("the port's end", () => relay.app.boundPort(goes) === undefined);
    await echoes(alice, "still here");
    using dave = await open(stays, "dave", target);
    await dave.receive(1);
    await relay.ended(2);
    assert.deepEqual(relay.ends.map(({ keyId, code }) => [keyId, code]).toSorted(), [
      ["bob", "SESSION_TERMINATED"],
      ["carol", "SESSION_TERMINATED"],
    ]);
    await eventually("the store", async () => (await fleet.storedBytes("alice")) === 22);
    assert.deepEqual([await fleet.storedBytes("bob"), await fleet.storedBytes("carol")], [2, 2]);
  });

  test("a port without keys is bound, and looks like one whose key is wrong", async () => {
    await using fleet = await startFleetRelay({ timeouts: { handshake: "300ms", dial: "2s" } });
    const numbers = [await freePort(), await freePort(), await freePort()];
    fleet.stream.snapshot({
      ports: [
        port(numbers[0]!),
        port(numbers[1]!, { method: "2022-blake3-aes-128-gcm", identityKey: psk(1) }),
        port(numbers[2]!, { method: "2022-blake3-chacha20-poly1305" }),
      ],
    });
    await eventually("the ports", () => numbers.every((number) => fleet.relay.app.boundPort(number) !== undefined));
    for (const number of numbers) {
      const result = await probe({ host: "127.0.0.1", port: number, pieces: [Buffer.alloc(300, 7)], deadlineMs: 150 });
      assert.deepEqual([result.received.length, result.close], [0, "none"], "no answer and no close");
    }
    await eventually("the report", () => fleet.management.reports.at(-1)?.ports.filter(({ bound }) => bound).length === 3);
  });

  for (const [method, one, two, identityKey] of [
    [METHOD, "new", "old", ""],
    ["aes-256-gcm", "new", "old", ""],
    ["2022-blake3-aes-128-gcm", psk(1), psk(2), psk(9)],
    ["2022-blake3-aes-128-gcm", psk(1), psk(2), ""],
    ["2022-blake3-chacha20-poly1305", psk(1, 32), psk(2, 32), ""],
  ] as const) {
    test(`${method}${identityKey && " with identity headers"}: both secrets work while one is rotated out, then only the new one`, async () => {
      await using target = await startEchoTarget();
      await using fleet = await startFleetRelay();
      const { relay, stream } = fleet;
      const number = await freePort();
      const chain = (secret: string) => (identityKey ? `${identityKey}:${secret}` : secret);
      const connect = (secret: string) => open(number, chain(secret), target, method);
      stream.snapshot({ ports: [port(number, { method, identityKey })], keys: [key("alice", number, { secrets: [two] })] });
      await eventually("the port", () => relay.app.boundPort(number) !== undefined);
      using before = await connect(two);
      await before.receive(1);
      const overlapEndsMs = Date.now() + 1500;
      stream.delta({ keys: [key("alice", number, { secrets: [one, two], overlapExpireTime: new Date(overlapEndsMs) })] });
      await eventually("the rotation", () => relay.app.keys.key("alice")?.previous !== undefined);
      for (const secret of [one, two, one, two]) {
        using client = await connect(secret);
        await client.receive(1);
        await echoes(client, "hello");
      }
      await eventually("the report of the old one", () =>
        fleet.management.reports.some(({ oldSecretUses }) => oldSecretUses[0]?.accessKeyId === "alice"),
      );
      await eventually("the end of the overlap", () => relay.app.keys.key("alice")?.previous === undefined);
      const lateMs = Date.now() - overlapEndsMs;
      assert.ok(lateMs >= 0 && lateMs < 1000, `${lateMs} ms after the end`);
      const failures = () => relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "AUTH_FAILED" });
      const refusedBefore = failures();
      using stale = await connect(two);
      await eventually("the refusal", () => failures() === refusedBefore + 1);
      assert.equal(stale.received.length, 0);
      using fresh = await connect(one);
      await fresh.receive(1);
      await echoes(before, "goes on");
      assert.deepEqual(relay.app.sessions.list("alice").length, 2, "one key, one index");
      await eventually("one meter", async () => (await fleet.storedBytes("alice")) === 2 * (1 + 4 * 6 + 1 + 7));
    });
  }

  test("a replayed request is refused during a rotation too", async () => {
    await using target = await startEchoTarget();
    await using fleet = await startFleetRelay();
    const { relay, stream } = fleet;
    const number = await freePort();
    const method = "2022-blake3-chacha20-poly1305";
    stream.snapshot({ ports: [port(number, { method })], keys: [key("alice", number, { secrets: [psk(1, 32), psk(2, 32)] })] });
    await eventually("the port", () => relay.app.boundPort(number) !== undefined);
    for (const secret of [psk(1, 32), psk(2, 32)]) {
      using client = await open(number, secret, target, method);
      await client.receive(1);
      const replay = await probe({ host: "127.0.0.1", port: number, pieces: [client.request], deadlineMs: 100 });
      assert.equal(replay.received.length, 0);
    }
    assert.equal(relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "REPLAYED" }), 2);
  });

  test("a port that is taken is reported with its error; the others serve, and it is bound when it can be", async () => {
    await using fleet = await startFleetRelay();
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const taken = (squatter.address() as { port: number }).port;
    const free = await freePort();
    fleet.stream.snapshot({ ports: [port(taken), port(free), port(1, { method: "rot13" })] });
    const report = (number: number) => fleet.management.reports.at(-1)?.ports.find((status) => status.port === number);
    await eventually("the report", () => report(taken) !== undefined && report(free)?.bound === true);
    assert.equal(report(taken)?.bound, false);
    assert.match(report(taken)?.error ?? "", /EADDRINUSE/);
    assert.match(report(1)?.error ?? "", /unknown method/);
    squatter.close();
    await eventually("the port", () => report(taken)?.bound === true, 5000);
    assert.equal(report(taken)?.error, "");
  });

  test("changes of other keys and ports do not disturb a transfer", async () => {
    const bytes = 32 * 1024 * 1024;
    await using target = await startSourceTarget({ bytes, seed: 5 });
    await using fleet = await startFleetRelay();
    const { relay, stream } = fleet;
    const [number, other] = [await freePort(), await freePort()];
    stream.snapshot({ ports: [port(number)], keys: [key("alice", number), key("bob", number)] });
    await eventually("the port", () => relay.app.boundPort(number) !== undefined);
    using client = await ShadowClient.open({ port: number, method: METHOD, secret: "alice", target });
    const hash = createHash("sha256");
    let changes = 0;
    const churn = (async () => {
      while (relay.ends.length === 0) {
        stream.delta({ keys: [key(`k${changes}`, number)], removedKeys: changes > 0 ? [`k${changes - 1}`] : [] });
        stream.delta(changes % 2 === 0 ? { ports: [port(other)], keys: [key("o", other)] } : { removedPorts: [other], removedKeys: ["o"] });
        changes++;
        await wait(2);
      }
    })();
    const received = await client.receiveAll();
    client.end();
    await churn;
    assert.equal(hash.update(received).digest("hex"), pseudoRandomSha256(5, bytes));
    assert.ok(changes > 10, `only ${changes} changes`);
    assert.deepEqual([relay.ends[0]?.code, relay.ends[0]?.bytesDown], ["OK", bytes]);
    await eventually("the store", async () => (await fleet.storedBytes("alice")) === bytes);
  });

  test("goes on without management and without the store, and loses no byte", async () => {
    await using target = await startEchoTarget();
    let away = false;
    await using fleet = await startFleetRelay();
    const { relay, management, stream, store } = fleet;
    const apply = store.applyTraffic.bind(store);
    store.applyTraffic = async (batch) => {
      if (away) throw new FleetError("STORE_UNAVAILABLE", "away");
      return await apply(batch);
    };
    const number = await freePort();
    stream.snapshot({ ports: [port(number)], keys: [key("alice", number)] });
    await eventually("the port", () => relay.app.boundPort(number) !== undefined);
    using before = await open(number, "alice", target);
    await before.receive(1);
    away = true;
    management.stop();
    await eventually("the outage", () => relay.app.readiness().details.management === "away");
    await echoes(before, "goes on");
    using during = await open(number, "alice", target);
    await during.receive(1);
    await wait(100);
    assert.equal(relay.app.readiness().ready, true);
    const counted = 2 * (1 + 7 + 1);
    assert.ok((await fleet.storedBytes("alice")) < counted);
    away = false;
    await using again = await FakeConfigService.start(management.port);
    (await again.streamNumber(1)).delta({ keys: [key("bob", number)] });
    await eventually("bob", () => relay.app.keys.key("bob") !== undefined);
    await eventually("the store", async () => (await fleet.storedBytes("alice")) === counted);
  });

  test("told to drain: keeps its sessions and stays up, takes no new ones, until it is stopped", async () => {
    await using target = await startEchoTarget();
    await using fleet = await startFleetRelay();
    const { relay, stream, management } = fleet;
    const number = await freePort();
    stream.snapshot({ ports: [port(number)], keys: [key("alice", number)] });
    await eventually("the port", () => relay.app.boundPort(number) !== undefined);
    using client = await open(number, "alice", target);
    await client.receive(1);
    stream.command({ $case: "drainMemberId", value: "tcp-1" });
    await eventually("the drain", () => relay.app.boundPort(number) === undefined);
    assert.equal(relay.app.readiness().ready, false);
    await echoes(client, "goes on");
    await assert.rejects(open(number, "alice", target), /ECONNREFUSED/);
    await eventually("the report", () => management.reports.at(-1)?.member?.draining === true);
    assert.equal(management.reports.at(-1)?.member?.sessionCount, 1);
    client.end();
    await relay.ended();
    await eventually("the store", async () => (await fleet.storedBytes("alice")) === 16);
  });

  test("at shutdown the last byte is in the store and no session is left", async () => {
    const bytes = 3_000_000;
    await using target = await startSourceTarget({ bytes });
    await using fleet = await startFleetRelay({}, { timing: { flushIntervalMs: 60_000, publishIntervalMs: 30 } });
    const { relay, stream, store } = fleet;
    const number = await freePort();
    stream.snapshot({ ports: [port(number)], keys: [key("alice", number)] });
    await eventually("the port", () => relay.app.boundPort(number) !== undefined);
    using whole = await ShadowClient.open({ port: number, method: METHOD, secret: "alice", target });
    await whole.receiveAll();
    whole.end();
    await relay.ended();
    await using echo = await startEchoTarget();
    using cut = await open(number, "alice", echo);
    await cut.receive(1);
    await eventually("the session", async () => (await store.listSessions("", 10, "alice")).length === 1);
    const startedMs = performance.now();
    await relay.app.drain(1200);
    assert.ok(performance.now() - startedMs < 3200);
    assert.equal(relay.ends.at(-1)?.code, "DRAIN_DEADLINE");
    assert.equal(await fleet.storedBytes("alice"), bytes + 2);
    assert.deepEqual(await store.listSessions("", 10, undefined), []);
    assert.equal((await store.readTraffic({ kind: "member", id: "tcp-1" })).total.tcpDown, bytes + 1);
  });

  test("reloads its file's settings without leaving the fleet", async () => {
    await using target = await startEchoTarget();
    await using fleet = await startFleetRelay({ allowInsecureCiphers: true });
    const { relay, stream } = fleet;
    const [number, insecure] = [await freePort(), await freePort()];
    stream.snapshot({
      ports: [port(number), port(insecure, { method: "aes-256-cfb" })],
      keys: [key("alice", number), key("bob", insecure)],
    });
    await eventually("both ports", () => relay.app.boundPort(insecure) !== undefined && relay.app.boundPort(number) !== undefined);
    using alice = await open(number, "alice", target);
    using bob = await open(insecure, "bob", target, "aes-256-cfb");
    await alice.receive(1);
    await bob.receive(1);
    const { relayConfig } = await import("./relay-fixture.ts");
    const ports = [{ port: await freePort(), host: "127.0.0.1", password: "x" }];
    await relay.app.reload(relayConfig({ ports }));
    assert.equal(await bob.closed, "rst");
    assert.equal(relay.app.boundPort(insecure), undefined);
    await echoes(alice, "goes on");
    assert.equal(relay.app.boundPort(ports[0]!.port), undefined);
    assert.ok(relay.log.lines.some(({ level, msg }) => level === "warn" && msg?.startsWith("changes of fleet")));
  });
});
