import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type ErrorCode, FleetError, systemClock } from "@shadowfleet/runtime";
import { type FleetStore, type KeyLimits, openStore } from "@shadowfleet/store";
import { createMemoryLogger, eventually, RecordingMetrics } from "@shadowfleet/testkit";
import type { KeyLimiter } from "../../src/limits/key-limiter.ts";
import { LimitExchange } from "../../src/limits/limit-exchange.ts";
import { LimiterTable } from "../../src/limits/limiter-table.ts";
import type { LimitedSession } from "../../src/limits/session-places.ts";

const DEADLINE_MS = 10_000;
const quotaOf = (bytes: number, action: NonNullable<KeyLimits["quota"]>["action"] = { kind: "cut" }): KeyLimits => ({
  quota: { bytes, window: { kind: "lifetime" }, action },
});

class Session implements LimitedSession {
  clientHost: string;
  ended: ErrorCode | undefined;
  readonly #limiter: KeyLimiter;

  constructor(limiter: KeyLimiter, clientHost = "192.0.2.1") {
    this.#limiter = limiter;
    this.clientHost = clientHost;
  }

  async begin(): Promise<ErrorCode | undefined> {
    return this.#limiter.enter(this);
  }

  terminate(code: ErrorCode): void {
    this.ended = code;
    this.end();
  }

  end(): void {
    this.#limiter.leave(this);
  }

  /** Moves what it may, and waits for more, until it is ended or has moved so much. */
  async download(bytes: number, pieceBytes = 16 * 1024): Promise<number> {
    let moved = 0;
    while (moved < bytes && this.ended === undefined) {
      const allowed = this.#limiter.down.allowance(Math.min(pieceBytes, bytes - moved));
      if (allowed > 0) this.#limiter.down.moved(allowed);
      moved += allowed;
      if (allowed === 0) await sleep(5);
    }
    return moved;
  }
}

/** A store that can stop answering. */
class Link {
  isCut = false;
  readonly store: Pick<FleetStore, "exchangeLimits" | "claimSession" | "readTraffic" | "readBuckets">;

  constructor(store: FleetStore) {
    const pass = <T>(call: () => Promise<T>): Promise<T> =>
      this.isCut ? Promise.reject(new FleetError("STORE_UNAVAILABLE", "cut")) : call();
    this.store = {
      exchangeLimits: (memberId, reports) => pass(() => store.exchangeLimits(memberId, reports)),
      claimSession: (memberId, claim) => pass(() => store.claimSession(memberId, claim)),
      readTraffic: (subject) => pass(() => store.readTraffic(subject)),
      readBuckets: (keyId, fromMs, toMs) => pass(() => store.readBuckets(keyId, fromMs, toMs)),
    };
  }
}

/** Relays of one fleet, on one store. */
function fleetOf(t: TestContext, relays: number, policy: "continue" | "refuse" = "continue") {
  const log = createMemoryLogger();
  const { logger } = log;
  const metrics = new RecordingMetrics();
  const store = openStore({ type: "memory" }, { logger, metrics });
  const link = new Link(store);
  const members = Array.from({ length: relays }, (_, index) => {
    const table = new LimiterTable();
    const exchange = new LimitExchange({
      store: link.store,
      memberId: `relay-${index}`,
      policy: () => policy,
      clock: systemClock,
      logger,
      metrics,
    });
    table.home = exchange;
    return { table, exchange };
  });
  t.after(async () => {
    for (const { exchange } of members) await exchange.finish(100);
    await store.close();
  });
  const limiters = (limits: KeyLimits): KeyLimiter[] => members.map(({ table }) => table.follow("alice", limits)!);
  const used = async (): Promise<number | undefined> =>
    (await store.readLimitUsage([{ keyId: "alice", windowId: "lifetime" }]))[0]?.quotaUsedBytes;
  return { members, link, limiters, used, log };
}

test("relays use up a quota together, to the byte, and end every session", { timeout: 30_000 }, async (t) => {
  const { limiters, used, members } = fleetOf(t, 3);
  const quota = 5_000_000;
  const sessions = limiters(quotaOf(quota)).flatMap((limiter) => [new Session(limiter), new Session(limiter)]);
  for (const session of sessions) assert.equal(await session.begin(), undefined);
  const quiet = sessions.at(-1)!;
  const moved = await Promise.all(sessions.slice(0, -1).map((session) => session.download(quota)));
  assert.equal(
    moved.reduce((sum, bytes) => sum + bytes, 0),
    quota,
  );
  await eventually("the quiet session to end", async () => quiet.ended === "QUOTA_EXHAUSTED", DEADLINE_MS);
  assert.ok(sessions.every(({ ended }) => ended === "QUOTA_EXHAUSTED"));
  assert.equal(await used(), quota);
  for (const { table } of members) assert.equal(await new Session(table.follow("alice", quotaOf(quota))!).begin(), "QUOTA_EXHAUSTED");
});

test("more quota, and it goes on; the key at rest leaves the exchange and has given everything back", { timeout: 30_000 }, async (t) => {
  const { limiters, used, members } = fleetOf(t, 2);
  const [first, second] = limiters(quotaOf(100_000));
  const session = new Session(first!);
  await session.begin();
  assert.equal(await session.download(1_000_000), 100_000);
  first!.change(quotaOf(300_000));
  second!.change(quotaOf(300_000));
  const other = new Session(second!);
  assert.equal(await other.begin(), undefined);
  assert.equal(await other.download(150_000), 150_000);
  other.end();
  await eventually("both relays to leave", async () => members.every(({ exchange }) => exchange.size === 0), DEADLINE_MS);
  assert.equal(await used(), 250_000);
  assert.deepEqual(
    members.map(({ exchange }) => exchange.leasedBytes),
    [0, 0],
  );
});

test("throttled: beyond the quota it goes on at the low rate", { timeout: 30_000 }, async (t) => {
  const { limiters } = fleetOf(t, 1);
  const [limiter] = limiters(quotaOf(50_000, { kind: "throttle", bitsPerSecond: 800_000 }));
  const session = new Session(limiter!);
  await session.begin();
  await session.download(50_000);
  await eventually("the low rate", async () => limiter!.down.isLimited, DEADLINE_MS);
  const startedMs = performance.now();
  await session.download(100_000);
  const elapsedMs = performance.now() - startedMs;
  assert.ok(elapsedMs > 700, `100 kB at 100 kB/s took ${elapsedMs} ms`);
  assert.equal(session.ended, undefined);
  session.end();
});

test("of many sessions that want to begin at once as many begin as may", { timeout: 30_000 }, async (t) => {
  const { limiters } = fleetOf(t, 3);
  const sessions = limiters({ maxSessions: 4 }).flatMap((limiter) => Array.from({ length: 4 }, () => new Session(limiter)));
  const refusals = await Promise.all(sessions.map((session) => session.begin()));
  assert.equal(refusals.filter((refusal) => refusal === undefined).length, 4);
  assert.equal(refusals.filter((refusal) => refusal === "SESSION_LIMIT").length, 8);
});

test("devices count over relays; one that roams to a third address is ended", { timeout: 30_000 }, async (t) => {
  const { limiters } = fleetOf(t, 2);
  const [first, second] = limiters({ maxDevices: 2, deviceGraceMs: 5_000 });
  const home = new Session(first!, "2001:db8::1");
  assert.equal(await home.begin(), undefined);
  assert.equal(await new Session(second!, "2001:db8::2").begin(), undefined, "the same /64");
  assert.equal(await new Session(second!, "198.51.100.2").begin(), undefined);
  assert.equal(await new Session(second!, "198.51.100.3").begin(), "DEVICE_LIMIT");
  assert.equal(second!.knownRefusal("198.51.100.3"), "DEVICE_LIMIT");
  assert.equal(second!.knownRefusal("198.51.100.2"), undefined);
  home.clientHost = "198.51.100.2";
  first!.roamed(home);
  home.clientHost = "198.51.100.4";
  first!.roamed(home);
  await eventually("the session to end", async () => home.ended === "DEVICE_LIMIT", DEADLINE_MS);
});

test("the store away, policy continue: it goes on, and all of it is counted afterwards", { timeout: 30_000 }, async (t) => {
  const { limiters, link, used, log, members } = fleetOf(t, 1);
  const [limiter] = limiters(quotaOf(10_000_000));
  const session = new Session(limiter!);
  await session.begin();
  await session.download(1_000_000);
  link.isCut = true;
  assert.equal(await session.download(20_000_000), 20_000_000);
  assert.equal(await new Session(limiter!).begin(), undefined);
  assert.equal(log.lines.filter(({ code }) => code === "LIMITS_UNCHECKED").length, 1);
  assert.ok(members[0]!.table.counts.uncheckedBytes >= 10_000_000);
  link.isCut = false;
  await eventually("the books", async () => (await used()) === 21_000_000, DEADLINE_MS);
  await eventually("the session to end", async () => session.ended === "QUOTA_EXHAUSTED", DEADLINE_MS);
});

test("the store away, policy refuse: a lease is used up, then the session ends, and new ones are refused", {
  timeout: 30_000,
}, async (t) => {
  const { limiters, link } = fleetOf(t, 1, "refuse");
  const [limiter] = limiters(quotaOf(1_000_000_000));
  const session = new Session(limiter!);
  await session.begin();
  await session.download(1_000_000);
  link.isCut = true;
  const moved = await session.download(1_000_000_000);
  assert.ok(moved < 900_000_000, String(moved));
  assert.equal(session.ended, "LIMITS_UNCHECKED");
  assert.equal(await new Session(limiter!).begin(), "LIMITS_UNCHECKED");
});

test("a store that never answers refuses or admits a claim within a quarter of a second", { timeout: 30_000 }, async (t) => {
  const { limiters, link } = fleetOf(t, 1, "refuse");
  link.store.claimSession = () => new Promise(() => {});
  const [limiter] = limiters({ maxSessions: 2 });
  const startedMs = performance.now();
  assert.equal(await new Session(limiter!).begin(), "LIMITS_UNCHECKED");
  assert.ok(performance.now() - startedMs >= 240);
});

test("limits that are taken away hold nobody back any more; the last of the quota is told", { timeout: 30_000 }, async (t) => {
  const { members, limiters, used } = fleetOf(t, 1);
  const [limiter] = limiters({ ...quotaOf(1_000_000), downBitsPerSecond: 80_000 });
  const session = new Session(limiter!);
  await session.begin();
  await session.download(1000);
  assert.equal(members[0]!.table.follow("alice", undefined), undefined);
  assert.equal(await session.download(50_000_000, 1_000_000), 50_000_000);
  await eventually("the key to leave", async () => members[0]!.exchange.size === 0, DEADLINE_MS);
  assert.equal(await used(), 1000);
});

test("the place of the last session is free as soon as it has ended", { timeout: 30_000 }, async (t) => {
  const { limiters } = fleetOf(t, 2);
  const [first, second] = limiters({ maxSessions: 1 });
  const session = new Session(first!);
  assert.equal(await session.begin(), undefined);
  assert.equal(await new Session(second!).begin(), "SESSION_LIMIT");
  session.end();
  const endedMs = performance.now();
  await eventually("the place", async () => (await new Session(second!).begin()) === undefined, DEADLINE_MS);
  assert.ok(performance.now() - endedMs < 1000);
});

test("a key that loses its limits is forgotten with its last session", async (t) => {
  const { members, limiters } = fleetOf(t, 1);
  const [limiter] = limiters({ maxSessions: 1 });
  const session = new Session(limiter!);
  await session.begin();
  const { table } = members[0]!;
  table.follow("alice", undefined);
  assert.equal(table.follow("alice", { maxSessions: 2 }), limiter, "while it has a session");
  table.follow("alice", undefined);
  session.end();
  assert.notEqual(table.follow("alice", { maxSessions: 2 }), limiter);
});
