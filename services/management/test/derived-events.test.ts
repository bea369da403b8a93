import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AccessKey, Upstream } from "@shadowfleet/control-api";
import { type KeyQuota, quotaWindowAt, SqliteStore, type StoredEvent } from "@shadowfleet/store";
import { eventually } from "@shadowfleet/testkit";
import { call, type ManagementFixture, startManagement } from "./management-fixture.ts";

const LOOKS_MS = 200;

/** Two replicas on one store: whoever has the turn tells, the other is silent. */
describe("events that are noticed", () => {
  const store = new SqliteStore({ path: ":memory:" });
  let one: ManagementFixture;
  let two: ManagementFixture;
  before(async () => {
    one = await startManagement({ store });
    two = await startManagement({ store });
  });
  after(async () => {
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    await store.close();
  });

  async function eventsOf(subject: string): Promise<StoredEvent[]> {
    return (await store.readEvents("", 1_000)).filter((event) => event.subject === subject && !/^key\.(created|changed)$/.test(event.type));
  }
  const typesOf = async (subject: string): Promise<string[]> => (await eventsOf(subject)).map(({ type }) => type);
  /** Waits for exactly these types, and that no more come. */
  async function becomes(subject: string, types: readonly string[]): Promise<void> {
    await eventually(`${subject}: ${types}`, async () => (await typesOf(subject)).length >= types.length).catch(async () => {
      assert.deepEqual(await typesOf(subject), types);
    });
    await new Promise((resolve) => setTimeout(resolve, LOOKS_MS));
    assert.deepEqual(await typesOf(subject), types);
  }

  it("a key that expires, once, and again when it got another time that passes", async () => {
    const expireTime = new Date(Date.now() + 1_500);
    const { accessKey } = await call(one.clients.keys, "createAccessKey", {
      accessKey: AccessKey.fromPartial({ id: "expiring", displayName: "Eve", expireTime }),
    });
    await becomes("expiring", ["key.expired"]);
    const [event] = await eventsOf("expiring");
    assert.deepEqual([event!.atMs, event!.details], [expireTime.getTime(), { displayName: "Eve" }]);
    const update = (change: Partial<AccessKey>, updateMask: string[]) =>
      call(two.clients.keys, "updateAccessKey", { accessKey: { ...accessKey!, resourceVersion: 0n, ...change }, updateMask });
    await update({ displayName: "Eva" }, ["display_name"]);
    await becomes("expiring", ["key.expired"]);
    await update({ expireTime: new Date(Date.now() + 1_500) }, ["expire_time"]);
    await becomes("expiring", ["key.expired", "key.expired"]);
  });

  it("an upstream that is down at the third failure, and up after the first success", async () => {
    const upstream = Upstream.fromPartial({ id: "u1", host: "192.0.2.1", port: 8388, method: "aes-256-gcm", secret: "a password" });
    await call(one.clients.upstreams, "createUpstream", { upstream });
    await store.addFailure("u1");
    await store.addFailure("u1");
    await becomes("u1", []);
    await store.addFailure("u1");
    await store.addFailure("u1");
    await becomes("u1", ["upstream.down"]);
    assert.deepEqual((await eventsOf("u1"))[0]!.details, { host: "192.0.2.1", port: 8388, failCount: 3 });
    await store.clearFailures("u1");
    await becomes("u1", ["upstream.down", "upstream.up"]);
    // Between two looks.
    for (let failures = 0; failures < 3; failures++) await store.addFailure("u1");
    await store.clearFailures("u1");
    await becomes("u1", ["upstream.down", "upstream.up", "upstream.down", "upstream.up"]);
  });

  it("an upstream that is deleted while it is down says nothing more", async () => {
    const upstream = Upstream.fromPartial({ id: "u2", host: "192.0.2.2", port: 8388, method: "aes-256-gcm", secret: "a password" });
    await call(one.clients.upstreams, "createUpstream", { upstream });
    for (let failures = 0; failures < 3; failures++) await store.addFailure("u2");
    await becomes("u2", ["upstream.down"]);
    await call(two.clients.upstreams, "deleteUpstream", { id: "u2" });
    await store.clearFailures("u2");
    await becomes("u2", ["upstream.down"]);
  });

  const relay = (epoch: string, more: { readonly kind?: "gateway"; readonly id?: string; readonly draining?: boolean } = {}) => ({
    ...{ id: "r1", kind: "tcp-relay" as const, version: "1.2.3", epoch, startedAtMs: Date.now(), reportedAtMs: Date.now() },
    ...{ appliedRevision: 0, ready: true, draining: false, sessionCount: 0, ports: [], ...more },
  });

  it("relays that join, restart and leave; gateways are no relays", async () => {
    await store.putMember(relay("1"));
    await store.putMember(relay("1", { kind: "gateway", id: "g1" }));
    await becomes("r1", ["relay.joined"]);
    await store.putMember(relay("2"));
    await becomes("r1", ["relay.joined", "relay.joined"]);
    await store.putMember(relay("2", { draining: true }));
    await becomes("r1", ["relay.joined", "relay.joined"]);
    await store.removeMember("r1");
    await becomes("r1", ["relay.joined", "relay.joined", "relay.left"]);
    assert.deepEqual(
      (await eventsOf("r1")).map(({ details }) => details),
      [
        { kind: "tcp-relay", version: "1.2.3", restarted: false },
        { kind: "tcp-relay", version: "1.2.3", restarted: true },
        { kind: "tcp-relay", version: "1.2.3", drained: true },
      ],
    );
    assert.deepEqual(await typesOf("g1"), []);
  });

  let sequence = 0;
  /** Has a relay report that so much of the quota is used, and so much traffic. */
  async function use(keyId: string, usedBytes: number): Promise<void> {
    const record = (await store.readState()).keys.get(keyId)!.record;
    const quota = record.limits!.quota as KeyQuota;
    const window = quotaWindowAt(quota, Date.now());
    const lease = { windowId: window.id, limitBytes: quota.bytes, leaseId: `${keyId}-lease`, baseBytes: 0, forgetAtMs: window.forgetAtMs };
    const report = { keyId, sessions: 1, devices: [], deviceGraceMs: 60_000, quota: { ...lease, usedBytes, wantedBytes: 0 } };
    const [answer] = await store.exchangeLimits("r1", [report]);
    assert.equal(answer!.quota?.outcome, "leased");
    sequence++;
    const deltas = [{ keyId, port: 8388, tcpUp: 1, tcpDown: 0, udpUp: 0, udpDown: 0 }];
    await store.applyTraffic({ memberId: "r1", epoch: "1", sequence, atMs: Date.now(), deltas });
  }
  async function limit(id: string, bytes: number, more: Partial<KeyQuota> = {}): Promise<void> {
    const state = await store.readState();
    const known = state.keys.get(id);
    if (!known) await call(one.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id }) });
    const { record, version } = known ?? (await store.readState()).keys.get(id)!;
    const quota: KeyQuota = { bytes, window: { kind: "lifetime" }, action: { kind: "cut" }, ...more };
    const puts = [{ kind: "key" as const, record: { ...record, limits: { quota } } }];
    const written = await store.write({ puts, deletes: [], expect: [{ kind: "key", id, version }], requestId: undefined, response: "" });
    assert.equal(written.outcome, "written");
  }

  it("marks of a quota in their order, the cut, and all of them again once it was raised and reached", async () => {
    await limit("capped", 1_000);
    await use("capped", 799);
    await becomes("capped", []);
    await use("capped", 850);
    await becomes("capped", ["key.quota.80"]);
    await use("capped", 1_000);
    const first = ["key.quota.80", "key.quota.90", "key.quota.100", "key.cut"];
    await becomes("capped", first);
    assert.deepEqual((await eventsOf("capped"))[1]!.details, { usedBytes: 1_000, limitBytes: 1_000, action: "cut" });
    await use("capped", 1_000);
    await becomes("capped", first);
    await limit("capped", 10_000);
    await becomes("capped", first);
    await use("capped", 9_100);
    await becomes("capped", [...first, "key.quota.80", "key.quota.90"]);
  });

  it("a quota that throttles does not cut", async () => {
    await limit("throttled", 1_000, { action: { kind: "throttle", bitsPerSecond: 1_000_000 } });
    await use("throttled", 2_000);
    await becomes("throttled", ["key.quota.80", "key.quota.90", "key.quota.100"]);
  });

  it("what was told is not told again when the turn goes to another replica", async () => {
    await limit("handed", 1_000, { window: { kind: "rolling", days: 2 } });
    await use("handed", 900);
    await store.putMember(relay("7", { id: "r7" } as object));
    await becomes("handed", ["key.quota.80", "key.quota.90"]);
    await becomes("r7", ["relay.joined"]);
    const told = (await store.readEvents("", 1_000)).length;
    await one.app.drain(100);
    await use("handed", 1_001);
    await eventually("the other to tell", async () => (await typesOf("handed")).length === 4);
    assert.deepEqual(
      (await store.readEvents("", 1_000)).slice(told).map(({ type }) => type),
      ["key.quota.100", "key.cut"],
    );
  });
});
