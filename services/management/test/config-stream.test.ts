import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AccessKey, MemberKind, Port, Upstream } from "@shadowfleet/control-api";
import { SqliteStore } from "@shadowfleet/store";
import { call, failureOf, type ManagementFixture, managementConfig, member, startManagement } from "./management-fixture.ts";
import { MemberDouble } from "./relay-double.ts";

const UNAVAILABLE = 14;
const GATEWAY = MemberKind.MEMBER_KIND_GATEWAY;

const watch = async (fleet: ManagementFixture, kind: MemberKind = MemberKind.MEMBER_KIND_TCP_RELAY): Promise<MemberDouble> => {
  const double = new MemberDouble(fleet.clients.config, member(`member-${kind}`, kind));
  await double.until("a first message", () => double.messages.length > 0);
  return double;
};
const createKey = (fleet: ManagementFixture, key: Partial<AccessKey>) =>
  call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial(key) });
const updateKey = (fleet: ManagementFixture, key: Partial<AccessKey>, updateMask: string[]) =>
  call(fleet.clients.keys, "updateAccessKey", { accessKey: AccessKey.fromPartial(key), updateMask });
const UPSTREAM = { id: "up", host: "relay.example", port: 8388, method: "aes-128-gcm", secret: "upstream secret" };

describe("a configuration stream", () => {
  it("begins with everything a relay needs, and nothing of the gateways'", async () => {
    await using fleet = await startManagement();
    await call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 9022, method: "2022-blake3-aes-128-gcm" }) });
    const { accessKey } = await createKey(fleet, { id: "alice", port: 9022, displayName: "Alice" });
    await createKey(fleet, { id: "off", disabled: true });
    await call(fleet.clients.upstreams, "createUpstream", { upstream: Upstream.fromPartial(UPSTREAM) });
    using relay = await watch(fleet);
    const [snapshot] = relay.events("snapshot");
    assert.equal(snapshot!.more, false);
    assert.deepEqual(
      snapshot!.ports.map(({ port, method }) => [port, method]),
      [
        [9022, "2022-blake3-aes-128-gcm"],
        [8388, "chacha20-ietf-poly1305"],
      ],
    );
    assert.equal(Buffer.from(snapshot!.ports[0]!.identityKey, "base64").length, 16);
    assert.deepEqual(
      snapshot!.keys.map(({ id, secrets }) => [id, secrets]),
      [["alice", [accessKey!.secret]]],
      "a disabled key stays out",
    );
    assert.deepEqual([snapshot!.upstreams, snapshot!.failCounts], [[], []]);
    assert.equal(relay.place.revision, 4n);
    using gateway = await watch(fleet, GATEWAY);
    const [forGateway] = gateway.events("snapshot");
    assert.deepEqual([forGateway!.ports, forGateway!.keys], [[], []]);
    assert.deepEqual(
      forGateway!.upstreams.map(({ id, secret }) => [id, secret]),
      [["up", "upstream secret"]],
    );
  });

  it("tells every change at once: created, rotated, disabled, enabled, deleted", async () => {
    await using fleet = await startManagement();
    using relay = await watch(fleet);
    const { accessKey } = await createKey(fleet, { id: "alice" });
    await relay.until("the key", () => relay.keys.has("alice"));
    assert.ok(relay.ports.has(8388), "its port came with it");
    const overlap = { seconds: 60n, nanos: 0 };
    const rotated = await call(fleet.clients.keys, "rotateSecret", { id: "alice", overlap });
    await relay.until("both secrets", () => relay.keys.get("alice")?.secrets.length === 2);
    assert.deepEqual(relay.keys.get("alice")!.secrets, [rotated.accessKey!.secret, accessKey!.secret]);
    assert.deepEqual(relay.keys.get("alice")!.overlapExpireTime, rotated.accessKey!.overlap!.expireTime);
    const startedAt = performance.now();
    await updateKey(fleet, { id: "alice", disabled: true }, ["disabled"]);
    await relay.until("its removal", () => !relay.keys.has("alice"));
    assert.ok(performance.now() - startedAt < 500);
    await updateKey(fleet, { id: "alice", disabled: false }, ["disabled"]);
    await relay.until("its return", () => relay.keys.has("alice"));
    await call(fleet.clients.keys, "deleteAccessKey", { id: "alice" });
    await relay.until("its end", () => !relay.keys.has("alice"));
    assert.equal(relay.place.revision, (await call(fleet.clients.fleet, "getFleet", {})).revision);
    await call(fleet.clients.ports, "deletePort", { port: 8388 });
    await relay.until("the port's end", () => !relay.ports.has(8388));
  });

  it("says of a key deleted and created anew at once that the old one is gone", async () => {
    await using fleet = await startManagement();
    await createKey(fleet, { id: "phoenix" });
    using relay = await watch(fleet);
    await call(fleet.clients.keys, "deleteAccessKey", { id: "phoenix" });
    const { accessKey } = await createKey(fleet, { id: "phoenix" });
    await relay.until("the new key", () => relay.keys.get("phoenix")?.secrets[0] === accessKey!.secret);
    assert.ok(relay.events("delta").some(({ removedKeys }) => removedKeys.includes("phoenix")));
  });

  it("tells changes that time makes, when their time comes", async () => {
    await using fleet = await startManagement();
    await createKey(fleet, { id: "rotating" });
    using relay = await watch(fleet);
    const nowMs = Date.now();
    await createKey(fleet, { id: "soon", startTime: new Date(nowMs + 300) });
    await createKey(fleet, { id: "brief", expireTime: new Date(nowMs + 500) });
    await call(fleet.clients.keys, "rotateSecret", { id: "rotating", overlap: { seconds: 0n, nanos: 400_000_000 } });
    await relay.until(
      "all three",
      () => relay.keys.has("soon") && relay.keys.has("brief") && relay.keys.get("rotating")?.secrets.length === 2,
    );
    assert.equal(relay.keys.get("soon")!.startTime!.getTime(), nowMs + 300, "known before its time");
    const { revision } = relay.place;
    const before = relay.messages.length;
    await relay.until("the expiry", () => !relay.keys.has("brief"));
    assert.ok(Date.now() - (nowMs + 500) < 250, `${Date.now() - nowMs - 500} ms late`);
    assert.deepEqual(relay.keys.get("rotating")!.secrets.length, 1, "the old secret is over");
    const [start, overlapEnd, end] = relay.messages.slice(before).map(({ event }) => (event?.$case === "delta" ? event.value : undefined));
    assert.deepEqual(
      [start!.keys.map(({ id }) => id), overlapEnd!.keys.map(({ id }) => id), end!.removedKeys],
      [["soon"], ["rotating"], ["brief"]],
    );
    assert.equal(relay.place.revision, revision, "time does not count up");
    assert.equal((await call(fleet.clients.keys, "getAccessKey", { id: "soon" })).accessKey!.state, 1);
  });

  it("goes on where the member was, with what it missed and no more", async () => {
    await using fleet = await startManagement();
    await createKey(fleet, { id: "stays" });
    await createKey(fleet, { id: "leaves" });
    const first = await watch(fleet);
    const { place } = first;
    first[Symbol.dispose]();
    await createKey(fleet, { id: "comes" });
    await call(fleet.clients.keys, "deleteAccessKey", { id: "leaves" });
    using again = new MemberDouble(fleet.clients.config, member("relay-1"), place);
    await again.until("what was missed", () => again.messages.length > 0);
    assert.equal(again.events("snapshot").length, 0);
    const [delta] = again.events("delta");
    assert.deepEqual([delta!.keys.map(({ id }) => id), delta!.removedKeys, delta!.ports], [["comes"], ["leaves"], []]);
    assert.equal(again.place.revision, place.revision + 2n);
    using current = new MemberDouble(fleet.clients.config, member("relay-1"), again.place);
    await current.until("an empty delta", () => current.messages.length > 0);
    assert.deepEqual(
      current.events("delta").map(({ keys, removedKeys }) => [keys, removedKeys]),
      [[[], []]],
    );
  });

  it("begins anew for a member that knows another life of the store, or a revision nobody has", async () => {
    await using fleet = await startManagement({ timing: { catchUpMs: 50 } });
    await createKey(fleet, { id: "alice" });
    const { generation, revision } = (await watch(fleet)).place;
    for (const known of [
      { revision, generation: "another" },
      { revision: revision + 100n, generation },
      { revision: 0n, generation },
    ]) {
      using relay = new MemberDouble(fleet.clients.config, member("relay-1"), known);
      await relay.until("a first message", () => relay.messages.length > 0);
      assert.equal(relay.events("snapshot").length, known.revision === 0n ? 0 : 1, JSON.stringify(String(known.revision)));
      assert.ok(relay.keys.has("alice"));
    }
  });

  it("gives a member of a later process a snapshot, since that one knows no history", async () => {
    const store = new SqliteStore({ path: ":memory:" });
    let place: MemberDouble["place"];
    {
      await using fleet = await startManagement({ store });
      await createKey(fleet, { id: "alice" });
      place = (await watch(fleet)).place;
      await createKey(fleet, { id: "bob" });
    }
    await using later = await startManagement({ store });
    using relay = new MemberDouble(later.clients.config, member("relay-1"), place);
    await relay.until("both keys", () => relay.keys.size === 2);
    assert.equal(relay.events("snapshot").length, 1);
    await store.close();
  });

  it("shows that it lives, also while gateways and others hear much", async () => {
    await using fleet = await startManagement({ timing: { heartbeatMs: 100 } });
    using relay = await watch(fleet);
    const chatter = setInterval(() => void fleet.store.addFailure("up"), 10);
    await relay.until("three heartbeats", () => relay.events("heartbeat").length === 3, 2_000).finally(() => clearInterval(chatter));
    const gaps = relay.times.slice(1).map((time, index) => time - relay.times[index]!);
    for (const gap of gaps) assert.ok(gap > 80 && gap < 600, `${gaps}`);
    assert.equal(relay.events("delta").length, 0, "failCnt is none of a relay's business");
  });

  it("tells gateways every failCnt that others change", async () => {
    await using fleet = await startManagement();
    await call(fleet.clients.upstreams, "createUpstream", { upstream: Upstream.fromPartial(UPSTREAM) });
    await fleet.store.addFailure("up");
    using gateway = await watch(fleet, GATEWAY);
    const counts = () =>
      gateway.events("delta").flatMap(({ failCounts }) => failCounts.map(({ upstreamId, count }) => `${upstreamId} ${count}`));
    const known = gateway.events("snapshot")[0]!.failCounts;
    assert.deepEqual(known, [{ upstreamId: "up", count: 1 }]);
    await fleet.store.addFailure("up");
    await gateway.until("2", () => counts().at(-1) === "up 2");
    await call(fleet.clients.upstreams, "resetCircuit", { id: "up" });
    await gateway.until("0", () => counts().at(-1) === "up 0");
    const { place } = gateway;
    await fleet.store.addFailure("up");
    using again = new MemberDouble(fleet.clients.config, member("g", GATEWAY), place);
    await again.until("the count it missed", () =>
      again.events("delta").some(({ failCounts }) => failCounts.some(({ count }) => count === 1)),
    );
    await call(fleet.clients.upstreams, "deleteUpstream", { id: "up" });
    await gateway.until("its removal", () => gateway.events("delta").some(({ removedUpstreams }) => removedUpstreams.includes("up")));
  });

  it("carries a fleet of many keys in messages of bounded size", async () => {
    await using fleet = await startManagement();
    await createKey(fleet, { id: "first" });
    const common = { displayName: "", port: 8388, previousSecret: undefined, disabled: false, disabledReason: "", startsAtMs: undefined };
    for (let batch = 0; batch < 20; batch++) {
      const puts = Array.from({ length: 1_000 }, (_, index) => ({
        kind: "key" as const,
        record: {
          ...common,
          id: `k${batch}-${index}`,
          secret: `secret ${batch} ${index}`,
          expiresAtMs: undefined,
          createdAtMs: 1,
          updatedAtMs: 1,
        },
      }));
      await fleet.store.write({ puts, deletes: [], expect: [], requestId: undefined, response: "" });
    }
    using relay = new MemberDouble(fleet.clients.config, member("relay-1"));
    await relay.until("all keys", () => relay.keys.size === 20_001);
    const snapshots = relay.events("snapshot");
    assert.equal(snapshots.length, 21);
    assert.deepEqual(
      snapshots.map(({ more }) => more),
      [...Array.from({ length: 20 }, () => true), false],
    );
    assert.ok(snapshots.every(({ keys }) => keys.length <= 1_000));
    assert.equal(new Set(relay.messages.map(({ revision }) => revision)).size, 1);
  });

  it("to a member that reads slowly holds one message, however much changes", async () => {
    await using fleet = await startManagement();
    await createKey(fleet, { id: "busy" });
    const stream = fleet.clients.config.watchConfig({ member: member("slow"), knownRevision: 0n, knownGeneration: "" });
    stream.on("error", () => {});
    await new Promise((resolve) => stream.once("data", resolve));
    stream.pause();
    const total = 3_000;
    const displayName = "x".repeat(250);
    for (let count = 0; count < total; count++) {
      const { record, version } = (await fleet.store.readState()).keys.get("busy")!;
      const changed = { ...record, displayName: `${displayName}${count}` };
      await fleet.store.write({
        puts: [{ kind: "key", record: changed }],
        deletes: [],
        expect: [{ kind: "key", id: "busy", version }],
        requestId: undefined,
        response: "",
      });
    }
    let messages = 0;
    const last = new Promise<void>((resolve) => {
      stream.on("data", ({ event }) => {
        messages++;
        if (
          event?.$case === "delta" &&
          event.value.keys.some(({ displayName: name }: { displayName: string }) => name.endsWith(`x${total - 1}`))
        )
          resolve();
      });
    });
    stream.resume();
    await last;
    assert.ok(messages < total, `${messages} messages for ${total} changes`);
    stream.cancel();
  });

  it("is refused to nobody in particular", async () => {
    await using fleet = await startManagement();
    for (const nobody of [undefined, member(""), member("x", MemberKind.MEMBER_KIND_UNSPECIFIED), member("two words")]) {
      const stream = fleet.clients.config.watchConfig({ member: nobody, knownRevision: 0n, knownGeneration: "" });
      const code = await new Promise((resolve) => stream.on("error", (error: { code?: number }) => resolve(error.code)).resume());
      assert.equal(code, 3, "INVALID_ARGUMENT");
      const failure = await failureOf(call(fleet.clients.config, "reportStatus", { member: nobody }));
      assert.equal(failure.status, "INVALID_ARGUMENT");
    }
  });

  it("ends with UNAVAILABLE when management stops, so that members go to another replica", async () => {
    const fleet = await startManagement();
    using relay = await watch(fleet);
    await fleet.app.drain(1_000);
    await relay.until("the end", () => relay.ended !== undefined);
    assert.equal(relay.ended, UNAVAILABLE);
    await fleet[Symbol.asyncDispose]();
  });

  it("carries changes of the declared configuration", async () => {
    const declared = { ports: [{ port: 9001, method: "aes-128-gcm" }], keys: [{ id: "file-key", port: 9001, secret: "from the file" }] };
    await using fleet = await startManagement({ config: { declared } });
    using relay = await watch(fleet);
    assert.deepEqual([[...relay.keys.keys()], [...relay.ports.keys()]], [["file-key"], [9001]]);
    const { place } = relay;
    await fleet.app.reload(
      managementConfig({ declared: { ...declared, keys: [{ id: "other", port: 9001, secret: "also from the file" }] } }),
    );
    await relay.until("the other key", () => relay.keys.has("other") && !relay.keys.has("file-key"));
    assert.notEqual(relay.place.generation, place.generation);
    using resumed = new MemberDouble(fleet.clients.config, member("relay-1"), place);
    await resumed.until("what was missed", () => resumed.messages.length > 0);
    assert.deepEqual(
      resumed.events("delta").map(({ keys, removedKeys }) => [keys.map(({ id }) => id), [...removedKeys]]),
      [[["other"], ["file-key"]]],
    );
  });
});

describe("the use of a secret that is being rotated out", () => {
  it("is shown from the relays' reports, and not written more often than it has to be", async () => {
    await using fleet = await startManagement();
    await createKey(fleet, { id: "alice" });
    using relay = await watch(fleet);
    await call(fleet.clients.keys, "rotateSecret", { id: "alice", overlap: { seconds: 60n, nanos: 0 } });
    const time = new Date(Date.now() - 1_000);
    await relay.report([
      { accessKeyId: "alice", time },
      { accessKeyId: "nobody", time },
    ]);
    const show = async () => (await call(fleet.clients.keys, "getAccessKey", { id: "alice" })).accessKey!;
    assert.deepEqual((await show()).overlap!.oldSecretLastUsedTime, time);
    const { resourceVersion } = await show();
    await relay.report([{ accessKeyId: "alice", time: new Date() }]);
    await sleep(20);
    assert.equal((await show()).resourceVersion, resourceVersion, "within the minute");
    const { accessKey } = await call(fleet.clients.keys, "rotateSecret", { id: "alice" });
    await relay.report([{ accessKeyId: "alice", time: new Date() }]);
    assert.equal((await show()).resourceVersion, accessKey!.resourceVersion, "no rotation is in progress");
  });
});
