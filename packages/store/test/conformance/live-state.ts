import assert from "node:assert/strict";
import { it } from "node:test";
import { type FleetStore, LIMIT_REPORT_TTL_MS, MEMBER_TTL_MS, type MemberRecord, type SessionRecord } from "../../src/index.ts";
import { openOne, openPair, type StoreHarness } from "./harness.ts";
import { limitReport } from "./limits.ts";

const member = (id: string, fields: Partial<MemberRecord> = {}): MemberRecord => ({
  id,
  kind: "tcp-relay",
  version: "1.0.0",
  epoch: "epoch-1",
  startedAtMs: 1,
  reportedAtMs: 2,
  appliedRevision: 3,
  ready: true,
  draining: false,
  sessionCount: 4,
  ports: [{ port: 8001, bound: false, error: "EADDRINUSE" }],
  ...fields,
});

const session = (id: string, memberId: string, keyId: string, fields: Partial<SessionRecord> = {}): SessionRecord => ({
  id,
  memberId,
  keyId,
  port: 8001,
  transport: "tcp",
  clientAddress: "[2001:db8::1]:5000",
  startedAtMs: 1,
  bytesUp: 2,
  bytesDown: 3,
  ...fields,
});

const sessionIds = async (store: FleetStore, keyId?: string) => (await store.listSessions("", 100, keyId)).map(({ id }) => id);
const memberIds = async (store: FleetStore) => (await store.listMembers()).map(({ id }) => id).sort();

export function liveStateTests(harness: () => StoreHarness): void {
  it("lists members as they last reported", async (t) => {
    const [store, other] = await openPair(t, harness());
    await store.putMember(member("m-1"));
    await other.putMember(member("m-2", { kind: "gateway", ports: [] }));
    await store.putMember(member("m-1", { draining: true, epoch: "epoch-2" }));
    const members = (await other.listMembers()).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(members, [member("m-1", { draining: true, epoch: "epoch-2" }), member("m-2", { kind: "gateway", ports: [] })]);
    await store.removeMember("m-1");
    assert.deepEqual(await memberIds(other), ["m-2"]);
  });

  it("lists sessions of all relays by id, in pages and by access key", async (t) => {
    const [store, other] = await openPair(t, harness());
    const ofRelay = (memberId: string, ids: string[]) => ids.map((id, at) => session(id, memberId, at % 2 ? "bob" : "alice"));
    await store.publishSessions("m-1", ofRelay("m-1", ["a", "d", "g", "ä"]), []);
    await other.publishSessions("m-2", ofRelay("m-2", ["b", "e", "h"]), []);
    await other.publishSessions("m-3", ofRelay("m-3", ["c", "f"]), []);
    const paged: string[] = [];
    for (let after = ""; ; after = paged.at(-1)!) {
      const page = await other.listSessions(after, 2, undefined);
      if (page.length === 0) break;
      paged.push(...page.map(({ id }) => id));
    }
    assert.deepEqual(paged, ["a", "b", "c", "d", "e", "f", "g", "h", "ä"]);
    assert.deepEqual(await sessionIds(store, "bob"), ["d", "e", "f", "ä"]);
    assert.deepEqual(
      (await store.listSessions("d", 2, "bob")).map(({ id }) => id),
      ["e", "f"],
    );
    assert.deepEqual(await sessionIds(store, "bo"), []);
    assert.deepEqual((await store.listSessions("", 1, undefined))[0], session("a", "m-1", "alice"));
  });

  it("follows byte counts and closings, and drops the sessions of a member that left", async (t) => {
    const [store, other] = await openPair(t, harness());
    await store.publishSessions("m-1", [session("a", "m-1", "alice"), session("b", "m-1", "alice")], []);
    await store.publishSessions("m-2", [session("c", "m-2", "alice")], []);
    await store.publishSessions("m-1", [session("a", "m-1", "alice", { bytesUp: 99 })], ["b", "unknown"]);
    assert.deepEqual(
      (await other.listSessions("", 10, "alice")).map(({ id, bytesUp }) => [id, bytesUp]),
      [
        ["a", 99],
        ["c", 2],
      ],
    );
    await other.removeMember("m-1");
    assert.deepEqual(await sessionIds(store), ["c"]);
    assert.deepEqual(await sessionIds(store, "alice"), ["c"]);
  });

  it("takes thousands of sessions at once", async (t) => {
    const store = await openOne(t, harness());
    const many = Array.from({ length: 2_500 }, (_, at) => session(`s-${String(at).padStart(4, "0")}`, "m-1", "alice"));
    await store.publishSessions("m-1", many, []);
    assert.equal((await store.listSessions("", 5_000, undefined)).length, 2_500);
    await store.publishSessions(
      "m-1",
      [],
      many.slice(1).map(({ id }) => id),
    );
    assert.deepEqual(await sessionIds(store, "alice"), ["s-0000"]);
  });

  it("forgets what a process said that stopped reporting: its limits after 5 s, itself and its sessions after 10", async (t) => {
    const store = await openOne(t, harness());
    const device = { device: "192.0.2.1", maxDevices: 1, deviceGraceMs: 0 };
    const rate = { limit: 1_000_000, moved: 0, isSaturated: true, sessions: 2 };
    await store.exchangeLimits("m-1", [limitReport("alice", { sessions: 2, devices: ["192.0.2.1"], deviceGraceMs: 0, down: rate })]);
    await store.exchangeLimits("m-1", [limitReport("carol", { devices: ["192.0.2.1"], deviceGraceMs: 60_000 })]);
    await store.claimSession("m-1", { keyId: "bob", ...device });
    const used = async () => {
      const found = await store.readLimitUsage(["alice", "bob", "carol"].map((keyId) => ({ keyId, windowId: "" })));
      return found.map(({ sessions, devices }) => [sessions, devices]);
    };
    for (const id of ["m-1", "m-2"]) {
      await store.putMember(member(id));
      await store.publishSessions(id, [session(`session of ${id}`, id, "alice")], []);
    }
    await harness().pass(LIMIT_REPORT_TTL_MS - 1_500);
    assert.deepEqual(await used(), [[2, 1], [1, 1], [1, 1]]); // biome-ignore format: a row
    assert.equal(await store.claimSession("m-2", { keyId: "bob", ...device, device: "192.0.2.2" }), "device-limit");
    await harness().pass(1_600);
    assert.deepEqual(await used(), [[0, 0], [0, 0], [0, 1]]); // biome-ignore format: a row
    const [answer] = await store.exchangeLimits("m-2", [limitReport("alice", { down: rate })]);
    assert.ok(answer!.downShare! > 980_000);
    await harness().pass(MEMBER_TTL_MS - 2_000 - (LIMIT_REPORT_TTL_MS + 100));
    assert.deepEqual(await memberIds(store), ["m-1", "m-2"]);
    // A call without changes says that the relay is still there.
    await store.putMember(member("m-2"));
    await store.publishSessions("m-2", [], []);
    await harness().pass(2_500);
    assert.deepEqual(await memberIds(store), ["m-2"]);
    assert.deepEqual(await sessionIds(store), ["session of m-2"]);
    assert.deepEqual(await sessionIds(store, "alice"), ["session of m-2"]);
  });
}
