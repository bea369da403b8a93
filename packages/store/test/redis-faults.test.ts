import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createMemoryLogger,
  eventually,
  expectNoOpenHandles,
  type RedisOptions,
  type RedisServer,
  redisMissingReason,
  startRedis,
} from "@shadowfleet/testkit";
import { type FleetStore, NO_BYTES, RedisStore } from "../src/index.ts";
import { Flusher } from "./conformance/flusher.ts";
import { batch, delta, listen, newestRevision, putKey, rejectsAsUnavailable } from "./conformance/harness.ts";

const FLEET = { kind: "fleet" } as const;

async function setUp(t: TestContext, options: RedisOptions = {}): Promise<{ server: RedisServer; store: RedisStore; other: RedisStore }> {
  const server = await startRedis(options);
  const store = new RedisStore({ hosts: [server] });
  const other = new RedisStore({ hosts: [server] });
  t.after(async () => {
    await Promise.all([store.close(), other.close()]);
    await server.stop();
  });
  return { server, store, other };
}

const answersAgain = (store: FleetStore) =>
  eventually(
    "an answer",
    () =>
      store.ping().then(
        () => true,
        () => false,
      ),
    10_000,
  );

describe("Redis in trouble", { skip: redisMissingReason() ?? false }, () => {
  expectNoOpenHandles();

  it("stopped for 5 s in the middle of flushes: every batch counts once", async (t) => {
    const { server, store, other } = await setUp(t);
    await Promise.all([store.ping(), other.ping()]);
    const flusher = new Flusher(store);
    const running = flusher.run(0);
    await sleep(300);
    server.pause();
    await sleep(2_000);
    await rejectsAsUnavailable("a ping", () => other.ping());
    await sleep(3_000);
    server.resume();
    const acknowledged = flusher.sequence;
    await eventually("more flushes", () => flusher.sequence > acknowledged + 50, 10_000);
    flusher.stop();
    await running;
    assert.ok(flusher.rejected > 0);
    // Carried out by the server when it went on, after the flusher had given the answer up.
    assert.ok(flusher.duplicates > 0, "no batch was sent twice");
    assert.deepEqual((await other.readTraffic(FLEET)).total, flusher.acknowledged);
    t.diagnostic(
      `${flusher.sequence} batches, ${flusher.rejected} rejected calls, ${flusher.duplicates} found applied: difference 0 bytes`,
    );
  });

  it("killed with kill -9 and restarted with its append-only file: nothing acknowledged is lost", async (t) => {
    const { server, store, other } = await setUp(t, { appendonly: true });
    await store.ping();
    const listener = await listen(t, other);
    const flusher = new Flusher(store);
    const running = flusher.run(0);
    const written: number[] = [];
    for (let at = 0; at < 40; at++) {
      if (at === 20) {
        await server.kill9();
        await rejectsAsUnavailable("a write", () => store.write(putKey("refused")));
        await server.start();
        await answersAgain(store);
      }
      const result = await store.write(putKey(`key-${at}`));
      if (result.outcome === "written") written.push(result.revision);
    }
    flusher.stop();
    await running;
    const state = await store.readState();
    assert.equal(written.length, 40);
    assert.deepEqual([state.revision, state.keys.size], [40, 40]);
    assert.deepEqual((await store.readTraffic(FLEET)).total, flusher.acknowledged);
    await listener.until("the last revision", (events) => newestRevision(events) === 40, 10_000);
    assert.deepEqual(new Set(listener.events.map(({ type }) => type)), new Set(["changes"]));
    const ids = listener.events.flatMap((event) => (event.type === "changes" ? event.changes.map(({ id }) => id) : []));
    assert.deepEqual(new Set(ids), new Set(state.keys.keys()));
  });

  it("restarted empty: reset, a new generation, and totals that go on", async (t) => {
    const { server, store, other } = await setUp(t);
    await store.write(putKey("a"));
    await store.applyTraffic(batch(1, [delta("a", 1, { tcpUp: 1_000 })]));
    await store.addFailure("east");
    const before = await store.readState();
    const known = await Promise.all(
      [FLEET, { kind: "key", id: "a" } as const].map(async (subject) => ({ subject, totals: await store.readTraffic(subject) })),
    );
    const listener = await listen(t, other, before);
    await server.kill9();
    await server.start();
    await listener.until("the reset", (events) => events.some(({ type }) => type === "reset"), 10_000);
    await listener.until("the forgotten failures", (events) => events.some((event) => event.type === "fail-count" && event.count === 0));
    await answersAgain(store);
    const after = await store.readState();
    assert.notEqual(after.generation, before.generation);
    assert.deepEqual([after.revision, after.keys.size], [0, 0]);
    await store.applyTraffic(batch(2, [delta("a", 1, { tcpUp: 23 })]));
    await Promise.all([store.restoreTraffic(known), other.restoreTraffic(known)]);
    for (const { subject } of known) assert.deepEqual((await store.readTraffic(subject)).total, { ...NO_BYTES, tcpUp: 1_023 });
    await store.write(putKey("b"));
    await listener.until(
      "the new life",
      (events) => newestRevision(events.slice(events.findLastIndex(({ type }) => type === "reset"))) === 1,
    );
  });

  it("restarted from an old dump: revisions went backwards, and whoever saw the lost ones starts over", async (t) => {
    const { server, store, other } = await setUp(t);
    await store.write(putKey("kept"));
    await server.cli("SAVE");
    const listener = await listen(t, other);
    await store.write(putKey("lost"));
    await listener.until("the write that gets lost", (events) => newestRevision(events) === 2);
    const seen = await store.readState();
    await server.kill9();
    await server.start();
    await listener.until("the reset", (events) => events.some(({ type }) => type === "reset"), 10_000);
    await answersAgain(store);
    // The same number, another write: only the generation tells.
    assert.deepEqual(await store.write(putKey("another")), { outcome: "written", revision: 2 });
    const state = await store.readState();
    assert.notEqual(state.generation, seen.generation);
    assert.deepEqual([...state.keys.keys()].sort(), ["another", "kept"]);
    const late = await listen(t, store, seen);
    await late.until("a reset", (events) => events[0]?.type === "reset");
  });

  it("emptied while connected: reset", async (t) => {
    const { server, store, other } = await setUp(t);
    await store.write(putKey("a"));
    const listener = await listen(t, other);
    await server.cli("FLUSHALL");
    await listener.until("the reset", (events) => events[0]?.type === "reset", 8_000);
  });

  it("connections cut again and again: no event is lost or told twice", async (t) => {
    const { server, store, other } = await setUp(t);
    const listener = await listen(t, other);
    const started = performance.now();
    const told: string[] = [];
    for (let at = 0; performance.now() - started < 4_000; at++) {
      if (at % 40 === 20) await server.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      const name = `e-${at}`;
      const call = at % 3 === 0 ? () => store.write(putKey(name)) : () => store.sendCommand({ command: "terminate-key", keyId: name });
      if (
        await call().then(
          () => true,
          () => false,
        )
      )
        told.push(name);
      await sleep(5);
    }
    const heard = () =>
      listener.events.flatMap((event) => {
        if (event.type === "changes") return event.changes.map(({ id }) => id);
        return event.type === "command" && event.command.command === "terminate-key" ? [event.command.keyId] : [event.type];
      });
    await listener.until("the last event", () => heard().includes(told.at(-1)!));
    const all = heard();
    assert.ok(told.length > 100);
    assert.deepEqual(
      told.filter((name) => !all.includes(name)),
      [],
    );
    // A call whose answer was cut off may have been carried out; nothing else may come.
    assert.equal(new Set(all).size, all.length);
    assert.equal(all.includes("reset"), false);
  });

  it("too far behind: reset", async (t) => {
    const { store } = await setUp(t);
    const first = await store.readState();
    for (let at = 0; at < 55; at++) await Promise.all(Array.from({ length: 100 }, () => store.write(putKey("a"))));
    const listener = await listen(t, store, first);
    await listener.until("the reset", (events) => events[0]?.type === "reset");
    const near = await listen(t, store, { revision: 5_400, generation: first.generation });
    await near.until("the changes", (events) => newestRevision(events) === 5_500);
  });

  it("not there at the start, or closed to us: says so once with the reason, and goes on trying", async (t) => {
    const server = await startRedis({ args: ["--requirepass", "right-one-91f2"] });
    const wrong = createMemoryLogger();
    const refused = new RedisStore({ hosts: [server], password: "wrong-one-91f2", logger: wrong.logger });
    t.after(() => refused.close());
    for (let at = 0; at < 3; at++) await rejectsAsUnavailable("a ping", () => refused.ping());
    assert.deepEqual(
      wrong.lines.map(({ level, msg }) => `${level} ${msg}`),
      ["warn Redis is away"],
    );
    assert.match(String(wrong.lines[0]?.reason), /WRONGPASS/);
    assert.ok(!wrong.text.includes("91f2"));
    await server.kill9();

    const gone = createMemoryLogger();
    const store = new RedisStore({ hosts: [server], password: "right-one-91f2", logger: gone.logger });
    t.after(() => store.close());
    for (let at = 0; at < 3; at++) await rejectsAsUnavailable("a ping", () => store.ping());
    await server.start();
    await answersAgain(store);
    await server.stop();
    const said = gone.lines.map(({ level, msg }) => `${level} ${msg}`);
    assert.deepEqual(said.slice(0, 2), ["warn Redis is away", "info Redis is connected"]);
    assert.equal(gone.lines[0]?.reason, `connect ECONNREFUSED 127.0.0.1:${server.port}`);
  });

  it("logs an outage twice, when it begins and when it ends, and prints nothing", async (t) => {
    const printed = t.mock.method(console, "error", () => {});
    const log = createMemoryLogger();
    const server = await startRedis();
    const store = new RedisStore({ hosts: [server], logger: log.logger });
    t.after(() => store.close());
    await store.ping();
    await server.kill9();
    for (let at = 0; at < 3; at++) await rejectsAsUnavailable("a ping", () => store.ping());
    await sleep(1_000);
    // Away for longer than a deadline: nobody is kept waiting.
    await rejectsAsUnavailable("a ping", () => store.ping(), 300);
    await server.start();
    await answersAgain(store);
    await server.stop();
    assert.deepEqual(log.lines.map(({ level, msg }) => `${level} ${msg}`).slice(0, 3), [
      "info Redis is connected",
      "warn Redis is away",
      "info Redis is connected",
    ]);
    assert.equal(log.lines[1]?.code, "STORE_UNAVAILABLE");
    assert.equal(printed.mock.callCount(), 0);
  });
});
