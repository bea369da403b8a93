import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AccessKey, type AccessKeyLimits, CalendarUnit, QuotaAction } from "@shadowfleet/control-api";
import { ConfigError } from "@shadowfleet/runtime";
import { type FleetEvent, type FleetStore, SqliteStore } from "@shadowfleet/store";
import { call, failureOf, type ManagementFixture, managementConfig, member, startManagement } from "./management-fixture.ts";
import { MemberDouble } from "./relay-double.ts";

type LimitFields = Parameters<typeof AccessKey.fromPartial>[0]["limits"];

const LIMITS: LimitFields = {
  quota: {
    bytes: 50_000_000_000n,
    window: { $case: "calendar", value: { unit: CalendarUnit.CALENDAR_UNIT_MONTH, timeZone: "Europe/Berlin", anchorDay: 15 } },
    action: QuotaAction.QUOTA_ACTION_THROTTLE,
    throttleBitsPerSecond: 1_000_000n,
  },
  upBitsPerSecond: 5_000_000n,
  downBitsPerSecond: 20_000_000n,
  maxDevices: 3,
  deviceGrace: { seconds: 120n, nanos: 500_000_000 },
  maxSessions: 100,
};
const whole = (limits: LimitFields): AccessKeyLimits | undefined => AccessKey.fromPartial({ limits }).limits;

/** A store that also keeps what is written as events in a list. */
function recordingStore(): { readonly store: FleetStore; readonly events: FleetEvent[] } {
  const inner = new SqliteStore({ path: ":memory:" });
  const events: FleetEvent[] = [];
  const write: FleetStore["write"] = async (request) => {
    const result = await inner.write(request);
    if (result.outcome === "written") events.push(...(request.events ?? []));
    return result;
  };
  const store = new Proxy(inner as FleetStore, {
    get: (_target, name: keyof FleetStore) => (name === "write" ? write : (inner[name] as () => unknown).bind(inner)),
  });
  return { store, events };
}

describe("limits of an access key", () => {
  const { store, events } = recordingStore();
  let fleet: ManagementFixture;
  before(async () => {
    fleet = await startManagement({ store });
  });
  after(async () => {
    await fleet[Symbol.asyncDispose]();
    await store.close();
  });

  const create = (key: Parameters<typeof AccessKey.fromPartial>[0]) =>
    call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial(key) });
  const update = async (key: Parameters<typeof AccessKey.fromPartial>[0], ...updateMask: string[]) =>
    (await call(fleet.clients.keys, "updateAccessKey", { accessKey: AccessKey.fromPartial(key), updateMask })).accessKey?.limits;
  const fieldsOf = async (attempt: Promise<unknown>) => (await failureOf(attempt)).fields.map(({ field }) => field);

  it("are kept, shown, told to relays, and changed whole or by part", async () => {
    const { accessKey } = await create({ id: "anna", limits: LIMITS });
    assert.deepEqual(accessKey?.limits, whole(LIMITS));
    using relay = new MemberDouble(fleet.clients.config, member("relay-1"));
    await relay.until("anna", () => relay.keys.has("anna"));
    assert.deepEqual(relay.keys.get("anna")?.limits, whole(LIMITS));
    assert.deepEqual(await update({ id: "anna", limits: { maxSessions: 7 } }, "limits.max_sessions"), whole({ ...LIMITS, maxSessions: 7 }));
    await relay.until("the change", () => relay.keys.get("anna")?.limits?.maxSessions === 7);
    const { deviceGrace: _grace, quota: _quota, ...left } = LIMITS;
    assert.deepEqual(await update({ id: "anna" }, "limits.quota", "limits.device_grace"), whole({ ...left, maxSessions: 7 }));
    assert.deepEqual(await update({ id: "anna", limits: { maxDevices: 1 } }, "limits"), whole({ maxDevices: 1 }));
    assert.equal(await update({ id: "anna" }, "limits.max_devices"), undefined, "none is left");
    await relay.until("no limits", () => relay.keys.get("anna")?.limits === undefined);
  });

  it("have defaults: a calendar month in UTC from its first day, and a cut", async () => {
    const { accessKey } = await create({ id: "boris", limits: { quota: { bytes: 1n } } });
    const quota = accessKey?.limits?.quota;
    assert.deepEqual(quota?.window, {
      $case: "calendar",
      value: { unit: CalendarUnit.CALENDAR_UNIT_MONTH, timeZone: "UTC", anchorDay: 1 },
    });
    assert.equal(quota?.action, QuotaAction.QUOTA_ACTION_CUT);
    for (const window of [{ $case: "rolling", value: { days: 60 } } as const, { $case: "lifetime", value: {} } as const]) {
      const limits = await update({ id: "boris", limits: { quota: { bytes: 2n ** 53n - 1n, window } } }, "limits.quota");
      assert.deepEqual(limits?.quota?.window, window);
    }
  });

  it("are refused with every field that is wrong", async () => {
    const wrong = create({
      id: "carol",
      limits: {
        quota: {
          bytes: 2n ** 53n,
          window: { $case: "calendar", value: { unit: CalendarUnit.CALENDAR_UNIT_WEEK, timeZone: "Mars/Olympus", anchorDay: 8 } },
          action: QuotaAction.QUOTA_ACTION_THROTTLE,
        },
        upBitsPerSecond: 7_999n,
        downBitsPerSecond: 2n ** 60n,
        deviceGrace: { seconds: 3_601n },
      },
    });
    assert.deepEqual((await fieldsOf(wrong)).toSorted(), [
      "access_key.limits.device_grace",
      "access_key.limits.down_bits_per_second",
      "access_key.limits.quota.bytes",
      "access_key.limits.quota.calendar.anchor_day",
      "access_key.limits.quota.calendar.time_zone",
      "access_key.limits.quota.throttle_bits_per_second",
      "access_key.limits.up_bits_per_second",
    ]);
    const quotas = [
      [{ bytes: 0n }, "bytes"],
      [{ bytes: 1n, window: { $case: "rolling", value: { days: 61 } } }, "rolling.days"],
      [{ bytes: 1n, window: { $case: "rolling", value: {} } }, "rolling.days"],
      [{ bytes: 1n, window: { $case: "calendar", value: { unit: 9 as never } } }, "calendar.unit"],
      [{ bytes: 1n, window: { $case: "calendar", value: { unit: CalendarUnit.CALENDAR_UNIT_DAY, anchorDay: 2 } } }, "calendar.anchor_day"],
      [{ bytes: 1n, window: { $case: "calendar", value: { timeZone: "+01:00" } } }, "calendar.time_zone"],
      [{ bytes: 1n, action: 9 as never }, "action"],
      [{ bytes: 1n, throttleBitsPerSecond: 9_000n }, "throttle_bits_per_second"],
    ] as const;
    for (const [quota, field] of quotas) {
      assert.deepEqual(await fieldsOf(create({ id: "carol", limits: { quota } })), [`access_key.limits.quota.${field}`], field);
      assert.deepEqual(await fieldsOf(update({ id: "boris", limits: { quota } }, "limits")), [`access_key.limits.quota.${field}`], field);
    }
    assert.deepEqual(await fieldsOf(update({ id: "boris" }, "limits.quota.bytes")), ["update_mask"]);
  });

  it("keep the time of the last reset when the quota changes", async () => {
    await create({ id: "dora", limits: { quota: { bytes: 1_000n } } });
    const beforeMs = Date.now();
    const { accessKey } = await call(fleet.clients.keys, "resetQuota", { id: "dora" });
    const resetTime = accessKey?.limits?.quota?.resetTime;
    assert.ok(resetTime && resetTime.getTime() >= beforeMs - 1 && resetTime.getTime() <= Date.now() + 1);
    const raised = await update({ id: "dora", limits: { quota: { bytes: 2_000n } } }, "limits.quota");
    assert.deepEqual([raised?.quota?.bytes, raised?.quota?.resetTime], [2_000n, resetTime]);
    assert.equal((await failureOf(call(fleet.clients.keys, "resetQuota", { id: "anna" }))).code, "NO_QUOTA");
    assert.equal((await failureOf(call(fleet.clients.keys, "resetQuota", { id: "nobody" }))).status, "NOT_FOUND");
  });

  it("are told as events with what was done, without secrets", async () => {
    events.length = 0;
    const { accessKey } = await create({ id: "emil", displayName: "Emil", secret: "a secret of Emil" });
    await update({ id: "emil", disabled: true, limits: { maxDevices: 2 } }, "disabled", "limits.max_devices");
    await update({ id: "emil", disabled: true }, "disabled");
    await call(fleet.clients.keys, "rotateSecret", { id: "emil", overlap: { seconds: 60n, nanos: 0 } });
    await call(fleet.clients.keys, "deleteAccessKey", { id: "emil" });
    const details = { displayName: "Emil", port: accessKey!.port };
    assert.deepEqual(
      events.map(({ type, subject, details: told }) => [type, subject, told]),
      [
        ["key.created", "emil", details],
        ["key.changed", "emil", { ...details, fields: "disabled,limits.max_devices" }],
        ["key.rotated", "emil", { ...details, overlapSeconds: 60 }],
        ["key.deleted", "emil", details],
      ],
    );
    await create({ id: "fritz" });
    await call(fleet.clients.ports, "deletePort", { port: accessKey!.port, force: true });
    const deleted = events.filter(({ type }) => type === "key.deleted").map(({ subject }) => subject);
    assert.deepEqual(deleted.toSorted(), ["anna", "boris", "dora", "emil", "fritz"]);
    assert.doesNotMatch(JSON.stringify(events), /secret/);
  });
});

describe("limits of a declared key", () => {
  const declared = (limits: unknown) => ({
    ports: [{ port: 8388 }],
    keys: [{ id: "anna", port: 8388, secret: "a secret", limits }],
  });
  const limitsOf = (limits: unknown) => managementConfig({ declared: declared(limits) }).declared.keys.get("anna")?.record.limits;
  const problemsOf = (limits: unknown): string[] => {
    try {
      limitsOf(limits);
      return [];
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.problems.map(({ path, reason }) => `${path.replace("declared.keys[0].limits.", "")}: ${reason}`);
    }
  };

  it("are written as people say them", () => {
    assert.equal(limitsOf({}), undefined);
    assert.deepEqual(limitsOf({ quota: "50GB/month", rate: "20Mbit", maxDevices: 3, deviceGrace: "2m", maxSessions: 100 }), {
      quota: { bytes: 50e9, window: { kind: "calendar", unit: "month", timeZone: "UTC", anchorDay: 1 }, action: { kind: "cut" } },
      upBitsPerSecond: 20e6,
      downBitsPerSecond: 20e6,
      maxDevices: 3,
      deviceGraceMs: 120_000,
      maxSessions: 100,
    });
    const long = {
      amount: "1GiB/week",
      timeZone: "Europe/Berlin",
      anchorDay: 5,
      action: "throttle:500kbit",
      resetTime: "2026-11-01T00:00:00Z",
    };
    assert.deepEqual(limitsOf({ quota: long, rate: { down: "2.5Mbit/s" } }), {
      quota: {
        bytes: 2 ** 30,
        window: { kind: "calendar", unit: "week", timeZone: "Europe/Berlin", anchorDay: 5 },
        action: { kind: "throttle", bitsPerSecond: 500_000 },
        resetAtMs: Date.UTC(2026, 10, 1),
      },
      downBitsPerSecond: 2.5e6,
    });
    assert.deepEqual(limitsOf({ quota: "5GB/30d" })?.quota?.window, { kind: "rolling", days: 30 });
    assert.deepEqual(limitsOf({ quota: "5GB/total" })?.quota?.window, { kind: "lifetime" });
  });

  it("are refused with every place that is wrong", () => {
    const quota = { amount: "1GB/week", timeZone: "Nowhere", anchorDay: 8, action: "throttle:1kbit" };
    assert.deepEqual(problemsOf({ quota, rate: "7kbit", deviceGrace: "2h" }).toSorted(), [
      "deviceGrace: must be from 0 s to 1 h",
      "quota.action: must be at least 8000 bits a second (8 kbit/s)",
      "quota.anchorDay: must be from 1 to 7 for a week",
      'quota.timeZone: must be an IANA time zone such as "Europe/Berlin" or "UTC"',
      "rate: must be at least 8000 bits a second (8 kbit/s)",
      "rate: must be at least 8000 bits a second (8 kbit/s)",
    ]);
    assert.deepEqual(problemsOf({ quota: { amount: "1GB/30d", timeZone: "UTC" } }), [
      "quota.timeZone: goes with a quota by the hour, day, week or month alone",
    ]);
    assert.match(problemsOf({ quota: "50GB/fortnight" }).join(), /quota.*unknown period/);
    assert.match(problemsOf({ quota: "50Gbit/month" }).join(), /quota.*unknown unit "Gbit"/);
    assert.match(problemsOf({ rate: "20MB" }).join(), /rate.*unknown unit "MB"/);
    assert.match(problemsOf({ sessions: 5 }).join(), /sessions/);
  });

  it("are reset in the file, which the API says", async () => {
    await using fleet = await startManagement({ config: { declared: declared({ quota: "50GB/month" }) } });
    const failure = await failureOf(call(fleet.clients.keys, "resetQuota", { id: "anna" }));
    assert.equal(failure.code, "DECLARED_READ_ONLY");
    assert.match(failure.message, /quota\.resetTime/);
  });
});
