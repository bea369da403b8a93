import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AccessKey } from "@shadowfleet/control-api";
import { type FleetStore, HOUR_MS, quotaWindowAt, SqliteStore } from "@shadowfleet/store";
import { eventually } from "@shadowfleet/testkit";
import { createFragileStore } from "./fragile-store.ts";
import { call, type ManagementFixture, startManagement } from "./management-fixture.ts";

const QUOTA = { bytes: 1_000, window: { kind: "lifetime" }, action: { kind: "cut" } } as const;
const LIFETIME = { bytes: 1_000n, window: { $case: "lifetime", value: {} } } as const;

const create = ({ clients }: ManagementFixture, id: string, limits: Parameters<typeof AccessKey.fromPartial>[0]["limits"]) =>
  call(clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id, limits }) });
const usageOf = async ({ clients }: ManagementFixture, id: string) => (await call(clients.keys, "getAccessKey", { id })).accessKey?.usage;

let sequence = 0;
const relayed = (store: FleetStore, keyId: string, tcpUp: number, atMs = Date.now()) =>
  store.applyTraffic({
    ...{ memberId: "relay-1", epoch: "1", sequence: ++sequence, atMs },
    deltas: [{ keyId, port: 8388, tcpUp, tcpDown: 0, udpUp: 0, udpDown: 0 }],
  });
/** A relay that holds a lease of the window and has one session. */
const lease = (store: FleetStore, keyId: string, windowId: string, usedBytes: number) =>
  store.exchangeLimits("relay-1", [
    {
      keyId,
      quota: { windowId, limitBytes: 1_000, leaseId: "l", usedBytes, wantedBytes: 10, baseBytes: 0, forgetAtMs: Date.now() + HOUR_MS },
      sessions: 1,
      devices: ["192.0.2.1"],
      deviceGraceMs: 60_000,
    },
  ]);

describe("usage of an access key", () => {
  it("is what relays have leased and used, and absent for keys without limits", async () => {
    await using fleet = await startManagement();
    await create(fleet, "anna", { quota: LIFETIME });
    await create(fleet, "boris", { maxSessions: 3 });
    await create(fleet, "carol", undefined);
    const { id } = quotaWindowAt(QUOTA, Date.now());
    await lease(fleet.store, "anna", id, 0);
    await lease(fleet.store, "anna", id, 999);
    const { accessKeys } = await call(fleet.clients.keys, "listAccessKeys", {});
    const [anna, boris, carol] = accessKeys.map(({ usage }) => usage);
    assert.deepEqual(anna, {
      quotaUsedBytes: 999n,
      windowStartTime: undefined,
      windowEndTime: undefined,
      exhausted: false,
      devices: 1,
      sessions: 1,
    });
    assert.deepEqual([boris?.quotaUsedBytes, boris?.sessions, carol], [0n, 0, undefined]);
    await lease(fleet.store, "anna", id, 1_000);
    assert.equal((await usageOf(fleet, "anna"))?.exhausted, true);
    const raised = AccessKey.fromPartial({ id: "anna", limits: { quota: { ...LIFETIME, bytes: 1_001n } } });
    const { accessKey } = await call(fleet.clients.keys, "updateAccessKey", { accessKey: raised, updateMask: ["limits.quota"] });
    assert.deepEqual([accessKey?.usage?.quotaUsedBytes, accessKey?.usage?.exhausted], [1_000n, false]);
  });

  it("is what came before where nobody has leased yet, in the window alone", async () => {
    const store = new SqliteStore({ path: ":memory:" });
    let reads = 0;
    const counted = new Proxy(store as FleetStore, {
      get: (_target, name: keyof FleetStore) => {
        if (name === "readBuckets") reads++;
        return (store[name] as (...args: unknown[]) => unknown).bind(store);
      },
    });
    await using fleet = await startManagement({ store: counted });
    const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
    await relayed(store, "anna", 5, hourMs - 50 * HOUR_MS);
    await relayed(store, "anna", 70, hourMs - 10 * HOUR_MS);
    await create(fleet, "anna", { quota: { bytes: 70n, window: { $case: "rolling", value: { days: 2 } } } });
    const usage = await usageOf(fleet, "anna");
    assert.deepEqual([usage?.quotaUsedBytes, usage?.exhausted], [70n, true]);
    assert.ok(usage?.windowStartTime && usage.windowEndTime);
    await usageOf(fleet, "anna");
    assert.equal(reads, 1, "what has not changed is not read again");
    await relayed(store, "anna", 1);
    assert.equal((await usageOf(fleet, "anna"))?.quotaUsedBytes, 71n);
    await create(fleet, "boris", { quota: LIFETIME });
    await relayed(store, "boris", 400);
    assert.equal((await usageOf(fleet, "boris"))?.quotaUsedBytes, 400n);
    await call(fleet.clients.keys, "resetQuota", { id: "boris" });
    await relayed(store, "boris", 30);
    assert.equal((await usageOf(fleet, "boris"))?.quotaUsedBytes, 30n, "a lifetime counts exactly from its reset");
    await store.close();
  });

  it("is absent while the store does not answer, and a page of keys is one question", async () => {
    const fragile = createFragileStore();
    const asked: number[] = [];
    const store = new Proxy(fragile.store, {
      get: (target, name: keyof FleetStore) => {
        if (name !== "readLimitUsage") return target[name];
        return (keys: Parameters<FleetStore["readLimitUsage"]>[0]) => {
          asked.push(keys.length);
          return target.readLimitUsage(keys);
        };
      },
    });
    await using fleet = await startManagement({ store });
    const ids = Array.from({ length: 200 }, (_, index) => `k${index}`);
    for (let at = 0; at < ids.length; at += 100)
      await Promise.all(ids.slice(at, at + 100).map((id) => create(fleet, id, { maxDevices: 1, quota: LIFETIME })));
    asked.length = 0;
    const { accessKeys } = await call(fleet.clients.keys, "listAccessKeys", { pageSize: 1_000 });
    assert.equal(accessKeys.length, ids.length);
    // Whoever notices quotas asks too.
    assert.ok(asked.length > 0 && asked.every((count) => count === ids.length), `asked for ${asked}`);
    assert.ok(accessKeys.every(({ usage }) => usage?.quotaUsedBytes === 0n));
    fragile.away = true;
    assert.equal(await usageOf(fleet, "k1"), undefined);
    fragile.away = false;
    await eventually("usage again", async () => (await usageOf(fleet, "k1")) !== undefined);
  });
});
