import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { codeOf, ManualClock } from "@shadowfleet/runtime";
import { startNodeScript } from "@shadowfleet/testkit";
import { HOUR_MS, KEPT_EVENTS, KEPT_HOURS, NO_BYTES, SqliteStore } from "../src/index.ts";
import { batch, delta, listen, newestRevision, putKey, rejectsAsUnavailable, request } from "./conformance/harness.ts";

const DAY_MS = 24 * HOUR_MS;
const fixture = (name: string) => new URL(`./fixtures/${name}`, import.meta.url);

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "sqlite-"));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

function open(t: TestContext, path: string, clock = new ManualClock(Date.now())): SqliteStore {
  const store = new SqliteStore({ path, clock });
  t.after(() => store.close());
  return store;
}

describe("a SQLite file", () => {
  it("goes on where it was", async (t) => {
    const path = join(await folder(t), "fleet.db");
    const first = open(t, path);
    await first.write({ ...putKey("a"), requestId: "r", response: "made" });
    await first.applyTraffic(batch(7, [delta("a", 1, { tcpUp: 5 })]));
    const before = await first.readState();
    await first.write(putKey("b"));
    await first.close();

    const second = open(t, path);
    const after = await second.readState();
    assert.deepEqual([after.generation, after.revision, after.keys.size], [before.generation, 2, 2]);
    assert.deepEqual(await second.write({ ...putKey("a"), requestId: "r" }), { outcome: "repeated", response: "made" });
    assert.equal(await second.applyTraffic(batch(7, [delta("a", 1, { tcpUp: 5 })])), "duplicate");
    await second.applyTraffic(batch(8, [delta("a", 1, { tcpUp: 5 })]));
    assert.equal((await second.readTraffic({ kind: "fleet" })).total.tcpUp, 10);
    const listener = await listen(t, second, before);
    await listener.until("what was missed", (events) => newestRevision(events) === 2);
    assert.equal(listener.events.length, 1);
  });

  it("knows what quotas were used for, and goes on counting events", async (t) => {
    const path = join(await folder(t), "fleet.db");
    const event = { type: "key.cut", subject: "a", atMs: 1, details: {} } as const;
    const first = open(t, path);
    const lease = { windowId: "day/1", limitBytes: 1_000, leaseId: "l-1", usedBytes: 300, wantedBytes: 200, baseBytes: 7, forgetAtMs: 0 };
    const report = { keyId: "a", sessions: 1, devices: [], deviceGraceMs: 0 };
    await first.exchangeLimits("m", [{ ...report, quota: lease }]);
    await first.appendEvents([event, { ...event, once: "o" }]);
    await first.writeNotes("s", new Map([["n", "noted"]]));
    await first.close();

    const second = open(t, path);
    const [usage] = await second.readLimitUsage([{ keyId: "a", windowId: "day/1" }]);
    assert.deepEqual(usage, { keyId: "a", quotaUsedBytes: 307, sessions: 0, devices: 0 });
    // What the process before was granted is not to be had until its lease is closed, and then counts as used.
    const { baseBytes: _, ...other } = { ...lease, leaseId: "l-2", usedBytes: 0, wantedBytes: 900 };
    const [answer] = await second.exchangeLimits("m", [{ ...report, quota: other }]);
    assert.deepEqual(answer?.quota, { outcome: "leased", grantedBytes: 493, usedBytes: 307, settledBytes: 7 });
    await second.appendEvents([event, { ...event, once: "o" }]);
    assert.deepEqual(
      (await second.readEvents("", 10)).map(({ id }) => id),
      ["1", "2", "3"],
    );
    assert.deepEqual(await second.readNotes("s"), new Map([["n", "noted"]]));
  });

  it("is kept on no server", async (t) => {
    assert.deepEqual(await open(t, join(await folder(t), "fleet.db")).readServers(), []);
  });

  it("killed with kill -9 between writes: everything acknowledged is there", async (t) => {
    const path = join(await folder(t), "fleet.db");
    await using writer = startNodeScript(fixture("sqlite-writer.ts"), [path]);
    await writer.waitForLine(/^60 /, 20_000);
    writer.signal("SIGKILL");
    await writer.exited;
    const acknowledged = writer.lines.length;
    assert.deepEqual(writer.lines.at(-1), `${acknowledged} written applied`);
    const store = open(t, path);
    const { revision, keys } = await store.readState();
    // One more may have been carried out than was said.
    assert.ok(revision === acknowledged || revision === acknowledged + 1, `${revision} of ${acknowledged}`);
    for (let at = 1; at <= acknowledged; at++) assert.ok(keys.has(`key-${at}`));
    assert.deepEqual(await store.write(request({ requestId: `request-${acknowledged}` })), {
      outcome: "repeated",
      response: `response-${acknowledged}`,
    });
    const next = acknowledged + 1;
    const isThere = (await store.applyTraffic(batch(next, [delta(`key-${next % 10}`, 1, { tcpUp: next })]))) === "duplicate";
    t.diagnostic(`${acknowledged} acknowledged, ${revision} there${isThere ? ", one batch more" : ""}`);
    assert.equal((await store.readTraffic({ kind: "fleet" })).total.tcpUp, (next * (next + 1)) / 2);
  });

  it("belongs to one process: another is refused and told why", async (t) => {
    const path = join(await folder(t), "fleet.db");
    const store = open(t, path);
    await using other = startNodeScript(fixture("sqlite-opener.ts"), [path]);
    const [, code, message = ""] = await other.waitForLine(/^(\w+): (.*)$/);
    assert.equal(code, "STORE_UNAVAILABLE");
    assert.match(message, /fleet\.db cannot be opened: another process has it open/);
    await store.write(putKey("a"));
    await store.close();
    await using third = startNodeScript(fixture("sqlite-opener.ts"), [path]);
    await third.waitForLine(/^opened$/);
  });

  it("is readable by its owner alone, in folders made for it", async (t) => {
    const dir = join(await folder(t), "a", "b");
    const store = open(t, join(dir, "fleet.db"));
    await store.write(putKey("a"));
    for (const file of ["fleet.db", "fleet.db-wal"]) assert.equal((await stat(join(dir, file))).mode & 0o777, 0o600, file);
  });

  it("is refused with the reason when it is no database or cannot be made", async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, "text.db"), "this is no database, and it is long enough to be sure of that".repeat(100));
    const refusal = (path: string) => {
      try {
        open(t, path);
      } catch (error) {
        assert.equal(codeOf(error), "STORE_UNAVAILABLE");
        return (error as Error).message;
      }
      return assert.fail(`${path} was opened`);
    };
    assert.match(refusal(join(dir, "text.db")), /text\.db cannot be opened: file is not a database/);
    assert.match(refusal(join(dir, "text.db", "below.db")), /below\.db cannot be opened: /);
    await mkdir(join(dir, "folder.db"));
    await chmod(join(dir, "folder.db"), 0o700);
    assert.match(refusal(join(dir, "folder.db")), /folder\.db cannot be opened: /);
  });
});

describe("what a SQLite store forgets", () => {
  it("request ids after a day", async (t) => {
    const clock = new ManualClock();
    const store = open(t, ":memory:", clock);
    await store.write({ ...putKey("a"), requestId: "r" });
    clock.advance(DAY_MS - 1_000);
    assert.equal((await store.write({ ...putKey("a"), requestId: "r" })).outcome, "repeated");
    clock.advance(2_000);
    assert.equal((await store.write({ ...putKey("a"), requestId: "r" })).outcome, "written");
  });

  it("hours after 62 days by its own clock, whatever a relay's says", async (t) => {
    const clock = new ManualClock();
    const store = open(t, ":memory:", clock);
    const add = (sequence: number, atMs: number) => store.applyTraffic(batch(sequence, [delta("a", 1, { tcpUp: 1 })], { atMs }));
    await add(1, clock.now());
    await add(2, clock.now() + 400 * DAY_MS);
    clock.advance((KEPT_HOURS - 1) * HOUR_MS);
    await add(3, clock.now());
    assert.equal((await store.readBuckets("a", 0, clock.now() + HOUR_MS)).length, 2);
    clock.advance(2 * HOUR_MS);
    await add(4, clock.now());
    assert.equal((await store.readBuckets("a", 0, clock.now() + HOUR_MS)).length, 2);
    assert.equal(await add(4, clock.now()), "duplicate");
    assert.deepEqual((await store.readTraffic({ kind: "key", id: "a" })).total, { ...NO_BYTES, tcpUp: 4 });
  });

  it("changes more than 10,000 revisions ago: reset", async (t) => {
    const store = open(t, ":memory:");
    const first = await store.readState();
    for (let at = 0; at < 10_001; at++) await store.write(request({}));
    const late = await listen(t, store, first);
    await late.until("the reset", (events) => events[0]?.type === "reset");
    const near = await listen(t, store, { ...first, revision: 1 });
    await store.write(putKey("a"));
    await near.until("the change", (events) => newestRevision(events) === 10_002);
    assert.equal(near.events.length, 1);
  });

  it("windows of quotas when their time is over, names of events after 62 days, and events beyond 100,000", async (t) => {
    const clock = new ManualClock();
    const store = open(t, ":memory:", clock);
    const event = { type: "key.cut", subject: "a", atMs: 1, details: {} } as const;
    const quota = { windowId: "w", limitBytes: 10, leaseId: "l", usedBytes: 3, wantedBytes: 0, baseBytes: 0 };
    const report = (keyId: string, forgetAtMs: number) =>
      store.exchangeLimits("m", [{ keyId, sessions: 1, devices: [], deviceGraceMs: 0, quota: { ...quota, forgetAtMs } }]);
    const used = async (keyId: string) => (await store.readLimitUsage([{ keyId, windowId: "w" }]))[0]?.quotaUsedBytes;
    await report("a", clock.now() + DAY_MS);
    await store.appendEvents([{ ...event, once: "o" }]);
    clock.advance(DAY_MS - 1_000);
    await report("b", clock.now() + DAY_MS);
    assert.equal(await used("a"), 3);
    clock.advance(HOUR_MS + 2_000);
    await report("b", clock.now() + DAY_MS);
    assert.deepEqual([await used("a"), await used("b")], [undefined, 3]);
    clock.advance(60 * DAY_MS);
    await store.appendEvents([{ ...event, once: "o" }]);
    assert.equal(await store.lastEventId(), "1");
    clock.advance(DAY_MS);
    await store.appendEvents([{ ...event, once: "o" }]);
    assert.equal(await store.lastEventId(), "2");
    await store.appendEvents(Array.from({ length: KEPT_EVENTS }, () => event));
    const [oldest] = await store.readEvents("", 1);
    assert.deepEqual([oldest?.id, await store.lastEventId()], ["3", String(KEPT_EVENTS + 2)]);
  });

  it("nothing of a write that fails in the middle", async (t) => {
    const store = open(t, ":memory:");
    const broken = { toJSON: () => assert.fail("cannot be written") } as unknown as string;
    const good = putKey("a").puts[0]!;
    const bad = { kind: "port", record: { port: 1, host: broken, method: "", identityKey: "", createdAtMs: 0 } } as const;
    await assert.rejects(store.write(request({ puts: [good, bad] })));
    const { revision, keys } = await store.readState();
    assert.deepEqual([revision, keys.size], [0, 0]);
    assert.deepEqual(await store.write(request({ puts: [good] })), { outcome: "written", revision: 1 });
    await store.close();
    await rejectsAsUnavailable("a write", () => store.write(putKey("b")));
  });
});
