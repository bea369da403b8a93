import assert from "node:assert/strict";
import { it } from "node:test";
import type { FleetStore, MemberRecord } from "../../src/index.ts";
import { batch, delta, listen, openOne, putKey, rejectsAsUnavailable, type StoreHarness } from "./harness.ts";

const MEMBER: MemberRecord = {
  id: "m",
  kind: "gateway",
  version: "1.0.0",
  epoch: "e",
  startedAtMs: 1,
  reportedAtMs: 1,
  appliedRevision: 0,
  ready: true,
  draining: false,
  sessionCount: 0,
  ports: [],
};

const CALLS: Readonly<Record<string, (store: FleetStore) => Promise<unknown>>> = {
  readState: (store) => store.readState(),
  write: (store) => store.write(putKey("a")),
  subscribe: (store) => store.subscribe({ revision: 0, generation: "" }, () => {}),
  sendCommand: (store) => store.sendCommand({ command: "drain-member", memberId: "m" }),
  applyTraffic: (store) => store.applyTraffic(batch(1, [delta("a", 1, { tcpUp: 1 })])),
  readTraffic: (store) => store.readTraffic({ kind: "fleet" }),
  listTraffic: (store) => store.listTraffic("", 1),
  resetTraffic: (store) => store.resetTraffic("a", 1),
  readBuckets: (store) => store.readBuckets("a", 0, Number.MAX_SAFE_INTEGER),
  restoreTraffic: async (store) => {
    const none = { tcpUp: 0, tcpDown: 0, udpUp: 0, udpDown: 0 };
    const totals = { subject: "a", total: none, resetMark: none, resetAtMs: undefined, generation: "earlier" };
    await store.restoreTraffic([{ subject: { kind: "key", id: "a" }, totals }]);
  },
  readFailCounts: (store) => store.readFailCounts(),
  addFailure: (store) => store.addFailure("u"),
  clearFailures: (store) => store.clearFailures("u"),
  putMember: (store) => store.putMember(MEMBER),
  removeMember: (store) => store.removeMember("m"),
  listMembers: (store) => store.listMembers(),
  publishSessions: (store) => store.publishSessions("m", [], []),
  listSessions: (store) => store.listSessions("", 1, undefined),
  claimSalt: (store) => store.claimSalt("key", Buffer.alloc(32), 60),
  exchangeLimits: (store) => store.exchangeLimits("m", [{ keyId: "a", sessions: 0, devices: [], deviceGraceMs: 0 }]),
  claimSession: (store) => store.claimSession("m", { keyId: "a", device: "192.0.2.1", deviceGraceMs: 0 }),
  readLimitUsage: (store) => store.readLimitUsage([{ keyId: "a", windowId: "" }]),
  appendEvents: (store) => store.appendEvents([{ type: "key.cut", subject: "a", atMs: 1, details: {} }]),
  readEvents: (store) => store.readEvents("", 1),
  lastEventId: (store) => store.lastEventId(),
  takeTurn: (store) => store.takeTurn("t", "m", 1),
  readNotes: (store) => store.readNotes("s"),
  writeNotes: (store) => store.writeNotes("s", new Map([["n", "x"]])),
  ping: (store) => store.ping(),
};

export function availabilityTests(harness: () => StoreHarness): void {
  it("answers a ping", async (t) => {
    const store = await openOne(t, harness());
    await store.ping();
  });

  it("rejects every call with STORE_UNAVAILABLE, soon, while it is not there", async (t) => {
    const store = harness().unreachable();
    t.after(() => store.close());
    await Promise.all(Object.entries(CALLS).map(([name, call]) => rejectsAsUnavailable(name, () => call(store))));
    await rejectsAsUnavailable("a later call", () => store.ping());
  });

  it("rejects every call with STORE_UNAVAILABLE once closed, and is silent", async (t) => {
    const store = await openOne(t, harness());
    const listener = await listen(t, store);
    await store.write(putKey("a"));
    await listener.until("the change", (events) => events.length === 1);
    await store.close();
    await store.close();
    for (const [name, call] of Object.entries(CALLS)) await rejectsAsUnavailable(name, () => call(store));
    assert.equal(listener.events.length, 1);
  });
}
