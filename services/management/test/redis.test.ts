import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AccessKey } from "@shadowfleet/control-api";
import { openStore, storeSchema } from "@shadowfleet/store";
import { eventually, type RedisServer, recordSpans, redisMissingReason, SecretFolder, startRedis } from "@shadowfleet/testkit";
import { call, failureOf, type ManagementFixture, startManagement } from "./management-fixture.ts";
import { startRelayDouble } from "./relay-double.ts";

const reason = redisMissingReason();

describe("two replicas on a real Redis", reason === undefined ? {} : { skip: reason }, () => {
  // Kept over a stop, in which Redis forgets everything all the same: it writes nothing.
  const folder = new SecretFolder();
  let redis: RedisServer;
  const stores = () => [0, 1].map(() => openStore(storeSchema.parse({ type: "redis", url: redis.url })));
  let replicas: ManagementFixture[] = [];
  let opened: ReturnType<typeof stores> = [];
  before(async () => {
    redis = await startRedis({ dir: folder.path });
    opened = stores();
    replicas = await Promise.all(opened.map((store) => startManagement({ store })));
    await eventually("both ready", () => replicas.every(({ app }) => app.readiness().ready), 10_000);
  });
  after(async () => {
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
    for (const store of opened) await store.close();
    await redis[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it("bring a key created on one to a relay of the other, and take it away, each well within a second", async () => {
    const [one, two] = replicas as [ManagementFixture, ManagementFixture];
    using relay = await startRelayDouble(two.clients.config);
    const created: number[] = [];
    for (let round = 0; round < 20; round++) {
      const id = `key-${round}`;
      const startedAt = performance.now();
      await call(one.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id }) });
      await relay.until("the key", () => relay.keys.has(id));
      created.push(performance.now() - startedAt);
      const deletedAt = performance.now();
      await call(one.clients.keys, "deleteAccessKey", { id });
      await relay.until("its end", () => !relay.keys.has(id));
      assert.ok(performance.now() - deletedAt < 1_000);
    }
    assert.ok(Math.max(...created) < 1_000, `${created}`);
  });

  it("bring the trace of a write on one to a relay of the other", async () => {
    const [one, two] = replicas as [ManagementFixture, ManagementFixture];
    using relay = await startRelayDouble(two.clients.config);
    await using recorder = await recordSpans();
    await call(one.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "traced" }) });
    await relay.until("the key", () => relay.keys.has("traced"));
    await eventually("the spans", () => recorder.spans.some(({ kind, name }) => kind === "server" && name.endsWith("/CreateAccessKey")));
    const server = recorder.spans.find(({ name }) => name.endsWith("/CreateAccessKey"))!;
    const write = recorder.named("writeConfiguration")[0]!;
    assert.deepEqual([write.traceId, write.parentSpanId], [server.traceId, server.spanId]);
    const told = relay.messages.flatMap(({ traceparents }) => traceparents);
    assert.deepEqual(told, [`00-${server.traceId}-${server.spanId}-01`]);
  });

  it("keep versions and request ids apart between them", async () => {
    const [one, two] = replicas as [ManagementFixture, ManagementFixture];
    const [first, second] = await Promise.all(replicas.map(({ clients }) => call(clients.keys, "createAccessKey", { requestId: "same" })));
    assert.deepEqual(first, second);
    const { accessKey } = first!;
    const change = (fleet: ManagementFixture) =>
      call(fleet.clients.keys, "updateAccessKey", { accessKey: { ...accessKey!, displayName: "x" }, updateMask: ["display_name"] });
    await change(one);
    assert.equal((await failureOf(change(two))).status, "ABORTED");
  });

  it("go on with empty Redis: a new beginning for relays, the totals restored", async () => {
    const [one] = replicas as [ManagementFixture, ManagementFixture];
    using relay = await startRelayDouble(one.clients.config);
    await call(one.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "lost" }) });
    await relay.until("the key", () => relay.keys.has("lost"));
    const deltas = [{ keyId: "lost", port: 8388, tcpUp: 1_000, tcpDown: 0, udpUp: 0, udpDown: 0 }];
    await opened[0]!.applyTraffic({ memberId: "relay-1", epoch: "1", sequence: 1, atMs: Date.now(), deltas });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await redis.stop();
    await eventually("the loss is noticed", () => one.metrics.observed("fleet.store.available") === 0, 10_000);
    assert.equal((await failureOf(call(one.clients.keys, "createAccessKey", {}))).code, "STORE_UNAVAILABLE");
    assert.equal((await call(one.clients.keys, "getAccessKey", { id: "lost" })).accessKey!.id, "lost");
    await redis.start();
    await relay.until("a new beginning", () => !relay.keys.has("lost"), 15_000);
    const total = async () =>
      (await call(one.clients.traffic, "getTraffic", { subject: { subject: { $case: "accessKeyId", value: "lost" } } })).traffic!.total!
        .tcpUpBytes;
    await eventually("the total", async () => (await total().catch(() => 0n)) === 1_000n, 10_000);
  });
});
