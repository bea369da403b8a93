import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ConfigKey, ConfigPort } from "@shadowfleet/control-api";
import { FakeConfigService, type FakeStream } from "@shadowfleet/control-api/testing";
import { FleetError } from "@shadowfleet/runtime";
import { SqliteStore } from "@shadowfleet/store";
import { freePort } from "@shadowfleet/testkit";
import { bindEcho, bindPeer, pause, until } from "./loopback.ts";
import { openClient, type RelayFixture, relayConfig, secretFor, startRelay } from "./relay-fixture.ts";

const METHOD = "aes-128-gcm";

interface FleetFixture extends RelayFixture {
  readonly management: FakeConfigService;
  readonly stream: FakeStream;
  readonly store: SqliteStore;
  storedBytes(keyId: string): Promise<number>;
}

async function startFleetRelay(t: TestContext, store = new SqliteStore({ path: ":memory:" })): Promise<FleetFixture> {
  const management = await FakeConfigService.start();
  const target = { addresses: [{ host: "127.0.0.1", port: management.port }], tls: undefined, tokenFile: undefined };
  const config = relayConfig([], { fleet: { management: target, store: { type: "memory" }, memberId: "udp-1" } });
  const timing = { watch: { backoffMinMs: 5, backoffMaxMs: 50, reportIntervalMs: 50 }, flushIntervalMs: 30, publishIntervalMs: 30 };
  const relay = await startRelay(t, config, { store, timing });
  t.after(async () => {
    management.stop();
    await store.close();
  });
  const storedBytes = async (id: string): Promise<number> => {
    const { total } = await store.readTraffic({ kind: "key", id });
    return total.udpUp + total.udpDown;
  };
  return { ...relay, management, stream: await management.streamNumber(1), store, storedBytes };
}

const port = (number: number, more: Partial<ConfigPort> = {}): ConfigPort =>
  ConfigPort.fromPartial({ port: number, host: "127.0.0.1", method: METHOD, ...more });

const key = (id: string, number: number, secrets: string[], more: Partial<ConfigKey> = {}): ConfigKey =>
  ConfigKey.fromPartial({ id, displayName: id, port: number, secrets, ...more });

async function stored(fleet: FleetFixture, id: string, bytes: number): Promise<void> {
  let last = -1;
  for (let n = 0; n < 100 && last !== bytes; n++) {
    await pause(20);
    last = await fleet.storedBytes(id);
  }
  assert.equal(last, bytes);
}

test("serves what management adds, ends associations of what it takes away, and counts both", async (t) => {
  const fleet = await startFleetRelay(t);
  const { app, stream, clock, ends } = fleet;
  const number = await freePort();
  const secrets = [secretFor(METHOD, 1), secretFor(METHOD, 2), secretFor(METHOD, 3)] as const;
  assert.equal(app.readiness().ready, false);
  stream.snapshot({ ports: [port(number)], keys: [key("alice", number, [secrets[0]]), key("bob", number, [secrets[1]])] });
  await until(() => app.boundPort(number) !== undefined);
  const echo = await bindEcho(t);
  const [alice, bob, carol] = await Promise.all(secrets.map((secret) => openClient(t, { secret, port: number, clock })));
  await alice!.ask("127.0.0.1", echo.address().port, "one");
  await bob!.ask("127.0.0.1", echo.address().port, "four");
  await until(() => fleet.management.reports.at(-1)?.member?.sessionCount === 2);
  stream.delta({ removedKeys: ["bob"], keys: [key("carol", number, [secrets[2]])] });
  await until(() => ends.length === 1);
  assert.deepEqual([ends[0]?.keyId, ends[0]?.code], ["bob", "SESSION_TERMINATED"]);
  bob!.send("127.0.0.1", echo.address().port, "again?");
  await until(() => app.counts.count("up", "AUTH_FAILED") === 1);
  await carol!.ask("127.0.0.1", echo.address().port, "x");
  assert.equal(app.sessions.size, 2);
  await stored(fleet, "alice", 6);
  await stored(fleet, "bob", 8);
  await stored(fleet, "carol", 2);
});

for (const [method, identityKey] of [
  [METHOD, undefined],
  ["2022-blake3-aes-128-gcm", secretFor("2022-blake3-aes-128-gcm", 9)],
  ["2022-blake3-aes-128-gcm", undefined],
  ["2022-blake3-chacha20-poly1305", undefined],
] as const) {
  test(`${method}${identityKey ? " with identity headers" : ""}: both secrets work while one is rotated out`, async (t) => {
    const fleet = await startFleetRelay(t);
    const { app, stream, clock, ends } = fleet;
    const number = await freePort();
    const [old, fresh] = [secretFor(method, 1), secretFor(method, 2)];
    const config = port(number, { method, identityKey: identityKey ?? "" });
    stream.snapshot({ ports: [config], keys: [key("alice", number, [old])] });
    await until(() => app.boundPort(number) !== undefined);
    const echo = await bindEcho(t);
    const outbound: number[] = [];
    echo.on("message", (_, relay) => outbound.push(relay.port));
    const client = (secret: string) =>
      openClient(t, { method, secret: identityKey ? `${identityKey}:${secret}` : secret, port: number, clock });
    const before = await client(old);
    await before.ask("127.0.0.1", echo.address().port, "1");
    stream.delta({ keys: [key("alice", number, [fresh, old], { overlapExpireTime: new Date(clock.now() + 60_000) })] });
    await until(() => app.keys.key("alice")?.previous !== undefined);
    await before.ask("127.0.0.1", echo.address().port, "2");
    assert.equal(outbound[1], outbound[0], "a running association keeps its outbound port");
    assert.deepEqual([app.sessions.size, ends.length], [1, 0]);
    const [late, early] = [await client(old), await client(fresh)];
    await late.ask("127.0.0.1", echo.address().port, "3");
    await early.ask("127.0.0.1", echo.address().port, "4");
    assert.deepEqual([app.sessions.list("alice").length, before.refused + late.refused + early.refused], [3, 0]);
    await until(() => fleet.management.reports.some(({ oldSecretUses }) => oldSecretUses[0]?.accessKeyId === "alice"));
    clock.advance(60_000);
    await until(() => app.keys.key("alice")?.previous === undefined);
    assert.deepEqual(
      ends.map(({ code }) => code),
      ["SESSION_TERMINATED", "SESSION_TERMINATED"],
    );
    const failures = app.counts.count("up", "AUTH_FAILED");
    (await client(old)).send("127.0.0.1", echo.address().port, "stale");
    await until(() => app.counts.count("up", "AUTH_FAILED") === failures + 1);
    const after = await client(fresh);
    await after.ask("127.0.0.1", echo.address().port, "5");
    await stored(fleet, "alice", 10);
  });
}

test("a client that takes up the new secret on the same socket is answered under it", async (t) => {
  const { app, stream, clock } = await startFleetRelay(t);
  const number = await freePort();
  const [old, fresh] = [secretFor(METHOD, 1), secretFor(METHOD, 2)];
  stream.snapshot({ ports: [port(number)], keys: [key("alice", number, [fresh, old])] });
  await until(() => app.boundPort(number) !== undefined);
  const echo = await bindEcho(t);
  const before = await openClient(t, { secret: old, port: number, clock });
  await before.ask("127.0.0.1", echo.address().port, "1");
  const socket = await bindPeer(t, "127.0.0.1", 0);
  before.moveTo(socket);
  await before.ask("127.0.0.1", echo.address().port, "2");
  const after = await openClient(t, { secret: fresh, port: number, clock });
  after.moveTo(socket);
  const answer = await after.ask("127.0.0.1", echo.address().port, "3");
  assert.equal(String(answer.payload), "3");
  assert.equal(app.sessions.list("alice").length, 2, "the same client address and key: the same association");
});

test("a port that is taken is reported with its error", async (t) => {
  const { stream, management, app } = await startFleetRelay(t);
  const squatter = await bindPeer(t);
  const [taken, free] = [squatter.address().port, await freePort()];
  stream.snapshot({ ports: [port(taken), port(free)] });
  await until(() => management.reports.at(-1)?.ports.length === 2);
  const [bad, good] = [taken, free].map((number) => management.reports.at(-1)?.ports.find((status) => status.port === number));
  assert.deepEqual([bad?.bound, good?.bound, good?.error], [false, true, ""]);
  assert.match(bad?.error ?? "", /EADDRINUSE/);
  assert.equal(app.readiness().ready, true);
});

test("goes on without management and the store; at shutdown the last byte is there", async (t) => {
  const store = new SqliteStore({ path: ":memory:" });
  const apply = store.applyTraffic.bind(store);
  let away = false;
  store.applyTraffic = async (batch) => {
    if (away) throw new FleetError("STORE_UNAVAILABLE", "away");
    return await apply(batch);
  };
  const fleet = await startFleetRelay(t, store);
  const { app, stream, clock, management } = fleet;
  const number = await freePort();
  stream.snapshot({ ports: [port(number)], keys: [key("alice", number, [secretFor(METHOD)])] });
  await until(() => app.boundPort(number) !== undefined);
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: number, clock });
  await client.ask("127.0.0.1", echo.address().port, "12345");
  away = true;
  management.stop();
  await until(() => app.readiness().details.management === "away");
  await client.ask("127.0.0.1", echo.address().port, "12345");
  await pause(100);
  assert.equal(app.readiness().ready, true);
  away = false;
  const drained = app.drain(3000);
  await client.ask("127.0.0.1", echo.address().port, "1");
  clock.advance(2000);
  await drained;
  assert.equal(await fleet.storedBytes("alice"), 22);
  assert.deepEqual(await store.listSessions("", 10, undefined), []);
});

test("told to drain: associations go on until they go quiet, new ones are refused, the process stays", async (t) => {
  const { app, stream, clock, management } = await startFleetRelay(t);
  const number = await freePort();
  stream.snapshot({ ports: [port(number)], keys: [key("alice", number, [secretFor(METHOD)])] });
  await until(() => app.boundPort(number) !== undefined);
  const echo = await bindEcho(t);
  const client = await openClient(t, { port: number, clock });
  await client.ask("127.0.0.1", echo.address().port, "x");
  stream.command({ $case: "drainMemberId", value: "udp-1" });
  await until(() => !app.readiness().ready);
  await client.ask("127.0.0.1", echo.address().port, "goes on");
  (await openClient(t, { port: number, clock })).send("127.0.0.1", echo.address().port, "too late");
  await until(() => app.counts.count("up", "SESSION_TERMINATED") === 1);
  clock.advance(2000);
  await until(() => app.boundPort(number) === undefined);
  await until(() => management.reports.at(-1)?.member?.draining === true && management.reports.at(-1)?.ports[0]?.bound === false);
});
