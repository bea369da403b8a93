import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { FakeConfigService } from "@shadowfleet/control-api/testing";
import { eventually, expectNoOpenHandles } from "@shadowfleet/testkit";
import { startMember } from "./member-fixture.ts";
import { at, configKey, configPort, NOW_MS } from "./member-records.ts";

describe("RelayMember", () => {
  test("is not ready until it has had a configuration; then it needs nobody", async (t) => {
    const { management, member, relay, store } = await startMember(t);
    const readiness = () => member.readiness(relay.readiness());
    const stream = await management.streamNumber(1);
    stream.heartbeat();
    await eventually("the connection", () => readiness().details.management === "connected");
    assert.deepEqual([readiness().ready, readiness().details.configuration], [false, "none yet"]);
    assert.equal("managementReason" in readiness().details, false);
    stream.snapshot({}, 3n);
    await eventually("a configuration without ports", () => readiness().ready);
    assert.equal(readiness().details.configuration, "revision 3");
    stream.delta({ ports: [configPort(1)] });
    await eventually("the port", () => relay.open.has(1));
    management.stop();
    store.fate = "refused";
    await eventually("the outage", () => readiness().details.management === "away");
    assert.match(String(readiness().details.managementReason), /^127\.0\.0\.1:\d+: ./);
    await wait(80);
    assert.deepEqual([readiness().ready, readiness().details.configuration], [true, "revision 4"]);
  });

  test("reports ports as they are: bound, taken, unservable, and bound at last", async (t) => {
    const { management, relay, metrics } = await startMember(t);
    relay.taken.add(2);
    (await management.streamNumber(1)).snapshot({
      ports: [configPort(1), configPort(2), configPort(3, { method: "rot13" })],
      keys: [configKey("a", 1), configKey("b", 1, { secrets: [""] })],
    });
    const state = (port: number) => {
      const status = management.reports.at(-1)?.ports.find((candidate) => candidate.port === port);
      return status && [status.bound, status.error];
    };
    await eventually("the report", () => management.reports.at(-1)?.ports.length === 3);
    assert.deepEqual(state(2), [false, "port 2 is taken"]);
    assert.match(String(state(3)), /^false,unknown method "rot13"/);
    assert.match(String(state(1)), /^true,key "b" is left out: .*empty/);
    assert.deepEqual(
      [metrics.observed("fleet.ports.failed"), management.reports.at(-1)?.member?.ready],
      [1, true],
      "the one that cannot be served; the taken one is the supervisor's",
    );
    relay.taken.delete(2);
    await eventually("the port", () => state(2)?.[0] === true);
  });

  test("a key that is removed loses its sessions at once, also when it comes back in the same breath", async (t) => {
    const { management, relay } = await startMember(t);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [configPort(1)], keys: [configKey("a", 1), configKey("b", 1)] });
    await eventually("the keys", () => relay.keys.size === 2);
    const [a, b] = [relay.session("s1", "a"), relay.session("s2", "b")];
    stream.delta({ removedKeys: ["a"], keys: [configKey("a", 1)] });
    await eventually("the end", () => a.ended !== undefined);
    assert.deepEqual([a.ended, b.ended, relay.keys.size], ["SESSION_TERMINATED", undefined, 2]);
    stream.delta({ removedKeys: ["b"] });
    await eventually("the end", () => b.ended !== undefined);
    assert.equal(relay.keys.key("b"), undefined);
  });

  test("a key ends by the relay's own clock, within a second, and begins by it", async (t) => {
    const { management, relay, clock } = await startMember(t);
    const stream = await management.streamNumber(1);
    stream.snapshot({
      ports: [configPort(1)],
      keys: [configKey("ends", 1, { expireTime: at(3_600_000) }), configKey("begins", 1, { startTime: at(3_600_000) })],
    });
    await eventually("the key", () => relay.keys.size === 1);
    assert.equal(clock.now(), NOW_MS);
    const session = relay.session("s1", "ends");
    await wait(50);
    management.stop();
    clock.advance(3_600_000);
    const startedMs = performance.now();
    await eventually("the end", () => session.ended !== undefined);
    assert.ok(performance.now() - startedMs < 1000);
    assert.deepEqual([relay.keys.key("ends"), relay.keys.key("begins")?.id], [undefined, "begins"]);
  });

  test("a rotated secret works beside the new one until its time is over; its use is reported until it is heard", async (t) => {
    const { management, relay, clock } = await startMember(t);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [configPort(1)], keys: [configKey("a", 1, { secrets: ["new", "old"], overlapExpireTime: at(60_000) })] });
    await eventually("the key", () => relay.keys.size === 1);
    const key = relay.keys.key("a")!;
    management.refuseReports = 14;
    relay.keys.noteOpened(key.previous!, NOW_MS + 5);
    await eventually("a report that is not heard", () => management.refusedReports > 0);
    management.refuseReports = undefined;
    await eventually("the report", () => {
      // A member that is not heard for long leaves for another replica; here that is the same one, on a new stream.
      if (management.streams.length > 1) management.streams.at(-1)?.heartbeat();
      return management.reports.some(({ oldSecretUses }) => oldSecretUses.length > 0);
    });
    const uses = management.reports.flatMap(({ oldSecretUses }) => oldSecretUses);
    assert.deepEqual(uses[0], { accessKeyId: "a", time: new Date(NOW_MS + 5) });
    await eventually("silence about it", () => relay.keys.previousSecretUses.size === 0);
    clock.advance(60_000);
    await eventually("the end of the overlap", () => relay.keys.key("a")?.previous === undefined);
    assert.deepEqual([relay.keys.isInForce(key.previous!), relay.keys.isInForce(key)], [false, true]);
  });

  test("obeys: ends one session, all of a key, drains when it is meant", async (t) => {
    const { management, relay, member } = await startMember(t);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [configPort(1)], keys: [configKey("a", 1)] });
    await eventually("the port", () => relay.open.has(1));
    const [one, two, three] = [relay.session("s1", "a"), relay.session("s2", "a"), relay.session("s3", "b")];
    stream.command({ $case: "terminateSessionId", value: `relay-1/${member.identity.epoch}/s1` });
    await eventually("the end of one", () => one.ended !== undefined);
    assert.deepEqual([two.ended, three.ended], [undefined, undefined]);
    stream.command({ $case: "terminateAccessKeyId", value: "a" });
    await eventually("the end of the key's", () => two.ended !== undefined);
    stream.command({ $case: "drainMemberId", value: "relay-2" });
    stream.command({ $case: "terminateSessionId", value: "relay-2/x/s3" });
    stream.heartbeat();
    await wait(60);
    assert.deepEqual([relay.isDraining, three.ended], [false, undefined]);
    stream.command({ $case: "drainMemberId", value: "relay-1" });
    await eventually("the drain", () => relay.open.size === 0);
    await eventually("the report", () => management.reports.at(-1)?.ports[0]?.bound === false);
    assert.equal(management.reports.at(-1)?.member?.draining, true);
    assert.equal(management.reports.at(-1)?.member?.ready, false);
    assert.deepEqual(management.reports.at(-1)?.ports, [{ port: 1, bound: false, error: "this relay is draining" }]);
    stream.delta({ keys: [configKey("c", 1)] });
    await eventually("the key", () => relay.keys.key("c") !== undefined);
    assert.deepEqual([relay.open.size, three.ended], [0, undefined], "what lives goes on, nothing is bound again");
  });

  test("carries counts and sessions to the store through outages, and leaves nothing behind", async (t) => {
    const { management, relay, member, store, metrics } = await startMember(t);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [configPort(1)], keys: [configKey("a", 1)] });
    await eventually("the key", () => relay.keys.size === 1);
    relay.session("s1", "a");
    const meter = relay.keys.key("a")!.meter;
    meter.tcp.up = 1000;
    const total = async () => (await store.inner.readTraffic({ kind: "key", id: "a" })).total.tcpUp;
    await eventually("the first flush", async () => (await total()) === 1000);
    await eventually("the session", async () => (await store.inner.listSessions("", 10, undefined)).length === 1);
    store.fate = "answer lost";
    meter.tcp.up += 500;
    await wait(100);
    store.fate = "never answers";
    meter.tcp.up += 50;
    await wait(150);
    assert.ok(metrics.observed("fleet.traffic.unflushed.bytes")! >= 50);
    stream.delta({ removedKeys: ["a"] });
    await eventually("the key's end", () => relay.keys.size === 0);
    meter.tcp.up += 5;
    store.fate = undefined;
    await eventually("the bytes of the key that is gone", async () => (await total()) === 1555);
    meter.tcp.up += 1;
    await member.finish(1000);
    assert.deepEqual([await total(), await store.inner.listSessions("", 10, undefined)], [1556, []]);
  });

  test("goes on with another replica of another life: what is equal stays, sessions are told anew", async (t) => {
    const { management, relay, store } = await startMember(t);
    const snapshot = { ports: [configPort(1)], keys: [configKey("a", 1)] };
    (await management.streamNumber(1)).snapshot(snapshot, 50n);
    await eventually("the key", () => relay.keys.size === 1);
    const key = relay.keys.key("a");
    const session = relay.session("s1", "a");
    await eventually("the session", async () => (await store.inner.listSessions("", 10, undefined)).length === 1);
    management.stop();
    await using again = await FakeConfigService.start(management.port);
    again.generation = "g2";
    const stream = await again.streamNumber(1);
    stream.generation = "g2";
    await store.inner.publishSessions("relay-1", [], [`${(await store.inner.listSessions("", 1, undefined))[0]?.id}`]);
    stream.snapshot(snapshot, 1n);
    await eventually("the session again", async () => (await store.inner.listSessions("", 10, undefined)).length === 1);
    assert.equal(relay.keys.key("a"), key);
    assert.deepEqual([session.ended, relay.open.has(1)], [undefined, true]);
  });
});

expectNoOpenHandles();
