import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AccessKey } from "@shadowfleet/control-api";
import { eventually } from "@shadowfleet/testkit";
import { createFragileStore } from "./fragile-store.ts";
import { call, failureOf, member, startManagement } from "./management-fixture.ts";
import { MemberDouble, startRelayDouble } from "./relay-double.ts";

const UNAVAILABLE = 14;
const DECLARED = { ports: [{ port: 9001 }], keys: [{ id: "file-key", port: 9001, secret: "s" }] };

describe("while the store is away", () => {
  it("reads are answered from memory, writes are refused, and readiness stays", async () => {
    const fragile = createFragileStore();
    await using fleet = await startManagement({ store: fragile.store });
    await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "alice" }) });
    using relay = await startRelayDouble(fleet.clients.config);
    await call(fleet.clients.fleet, "getFleet", {});
    fragile.away = true;
    await eventually("the loss is noticed", () => fleet.metrics.observed("fleet.store.available") === 0);
    assert.equal((await call(fleet.clients.keys, "getAccessKey", { id: "alice" })).accessKey!.id, "alice");
    assert.equal((await call(fleet.clients.keys, "listAccessKeys", {})).accessKeys.length, 1);
    assert.equal((await call(fleet.clients.ports, "listPorts", {})).ports[0]!.bindings.length, 1, "as last reported");
    assert.equal((await call(fleet.clients.fleet, "getFleet", {})).storeAvailable, false);
    const writes = [
      call(fleet.clients.keys, "createAccessKey", {}),
      call(fleet.clients.keys, "deleteAccessKey", { id: "alice" }),
      call(fleet.clients.traffic, "getTraffic", {}),
      call(fleet.clients.sessions, "terminateSessions", { target: { $case: "sessionId", value: "x" } }),
    ];
    for (const write of writes) {
      const failure = await failureOf(write);
      assert.deepEqual([failure.code, failure.status], ["STORE_UNAVAILABLE", "UNAVAILABLE"]);
    }
    assert.equal(fleet.app.readiness().ready, true);
    const { store, storeReason } = fleet.app.readiness().details;
    assert.deepEqual([store, storeReason], ["away", "the test took the store away"]);
    assert.equal(relay.ended, undefined, "streams live on");
    const said = fleet.log.lines.filter(({ level, msg }) => level === "error" && /^the shared store does not answer/.test(msg ?? ""));
    assert.equal(said.length, 1, "said once, however often it is tried");
    fragile.away = false;
    await eventually("it is back", () => fleet.metrics.observed("fleet.store.available") === 1);
    assert.equal("storeReason" in fleet.app.readiness().details, false);
    await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "bob" }) });
    await relay.until("the new key", () => relay.keys.has("bob"));
  });

  it("keys still expire in time", async () => {
    const fragile = createFragileStore();
    await using fleet = await startManagement({ store: fragile.store });
    const expireTime = new Date(Date.now() + 400);
    await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "alice", expireTime }) });
    using relay = await startRelayDouble(fleet.clients.config);
    fragile.away = true;
    await relay.until("the expiry", () => !relay.keys.has("alice"));
    assert.ok(Date.now() >= expireTime.getTime());
  });

  it("what others wrote meanwhile arrives as one change afterwards", async () => {
    const fragile = createFragileStore();
    await using fleet = await startManagement({ store: fragile.store });
    await using other = await startManagement({ store: fragile.inner });
    for (const id of ["stays", "leaves"]) await call(other.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id }) });
    using relay = await startRelayDouble(fleet.clients.config);
    await relay.until("both", () => relay.keys.size === 2);
    fragile.away = true;
    await eventually("the loss is noticed", () => fleet.metrics.observed("fleet.store.available") === 0);
    await call(other.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "comes" }) });
    await call(other.clients.keys, "deleteAccessKey", { id: "leaves" });
    await sleep(50);
    assert.ok(relay.keys.has("leaves"));
    fragile.away = false;
    await relay.until("both changes", () => relay.keys.has("comes") && !relay.keys.has("leaves"));
    assert.equal(relay.events("snapshot").length, 1, "the one at the beginning");
  });
});

describe("a start without the store", () => {
  it("shows declared resources, is not ready, refuses members, and catches up when it answers", async () => {
    const fragile = createFragileStore();
    fragile.away = true;
    await using fleet = await startManagement({ store: fragile.store, timing: { firstStateMs: 50 }, config: { declared: DECLARED } });
    assert.equal(fleet.app.readiness().ready, false);
    assert.equal(fleet.app.readiness().details.configuration, "not known yet");
    assert.equal((await call(fleet.clients.keys, "getAccessKey", { id: "file-key" })).accessKey!.id, "file-key");
    using refused = new MemberDouble(fleet.clients.config, member("relay-1"));
    await refused.until("the refusal", () => refused.ended !== undefined);
    assert.equal(refused.ended, UNAVAILABLE, "half a configuration would take the other half away from a relay");
    fragile.away = false;
    await eventually("it is ready", () => fleet.app.readiness().ready);
    using relay = await startRelayDouble(fleet.clients.config);
    assert.ok(relay.keys.has("file-key"));
  });
});

describe("a store that comes back empty", () => {
  it("is given the totals, keeps what is declared, and everyone begins anew, loudly", async () => {
    const fragile = createFragileStore();
    await using fleet = await startManagement({ store: fragile.store, config: { declared: DECLARED } });
    await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "alice", port: 9001 }) });
    using relay = await startRelayDouble(fleet.clients.config);
    const flush = (sequence: number, bytes: number) =>
      fragile.inner.applyTraffic({
        ...{ memberId: "relay-1", epoch: "1", sequence, atMs: Date.now() },
        deltas: [{ keyId: "alice", port: 9001, tcpUp: bytes, tcpDown: 2 * bytes, udpUp: 0, udpDown: 0 }],
      });
    await flush(1, 1_000);
    await sleep(200);
    const generation = relay.place.generation;
    fragile.away = true;
    await eventually("the loss is noticed", () => fleet.metrics.observed("fleet.store.available") === 0);
    fragile.empty();
    // A relay was faster than management.
    await flush(2, 10);
    fragile.away = false;
    await relay.until("a new beginning", () => relay.place.generation !== generation);
    assert.deepEqual([[...relay.keys.keys()], relay.events("snapshot").length], [["file-key"], 2]);
    const total = async (subject: object) =>
      (await call(fleet.clients.traffic, "getTraffic", { subject: { subject } as never })).traffic!.total!;
    for (const subject of [
      { $case: "accessKeyId", value: "alice" },
      { $case: "port", value: 9001 },
      { $case: "memberId", value: "relay-1" },
    ]) {
      await eventually(`the total of ${subject.$case}`, async () => (await total(subject)).tcpUpBytes === 1_010n);
      assert.equal((await total(subject)).tcpDownBytes, 2_020n);
    }
    assert.equal((await call(fleet.clients.traffic, "getTraffic", {})).traffic!.total!.tcpUpBytes, 1_010n);
    assert.ok(fleet.log.lines.some(({ level, msg }) => level === "error" && /^the shared store was emptied/.test(msg ?? "")));
    assert.equal((await failureOf(call(fleet.clients.keys, "getAccessKey", { id: "alice" }))).status, "NOT_FOUND");
  });
});
