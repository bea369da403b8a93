import assert from "node:assert/strict";
import test from "node:test";
import { AccessKeyLimits, CalendarUnit, QuotaAction } from "@shadowfleet/control-api";
import { readLimits } from "../../src/limits/read-limits.ts";

type Wanted = Parameters<typeof AccessKeyLimits.fromPartial>[0];
const read = (limits: Wanted) => readLimits(AccessKeyLimits.fromPartial(limits));

test("no limits and empty ones are none", () => {
  assert.equal(readLimits(undefined), undefined);
  assert.equal(read({}), undefined);
});

test("every limit is read", () => {
  const quota = { bytes: 5n, action: QuotaAction.QUOTA_ACTION_THROTTLE, throttleBitsPerSecond: 9n, resetTime: new Date(77) };
  const deviceGrace = { seconds: 2n, nanos: 500_000_000 };
  assert.deepEqual(read({ quota, upBitsPerSecond: 1n, downBitsPerSecond: 2n, maxDevices: 3, deviceGrace, maxSessions: 4 }), {
    quota: {
      bytes: 5,
      window: { kind: "calendar", unit: "month", timeZone: "UTC", anchorDay: 1 },
      action: { kind: "throttle", bitsPerSecond: 9 },
      resetAtMs: 77,
    },
    upBitsPerSecond: 1,
    downBitsPerSecond: 2,
    maxDevices: 3,
    deviceGraceMs: 2500,
    maxSessions: 4,
  });
});

test("windows of every kind", () => {
  const windowOf = (window: NonNullable<NonNullable<Wanted>["quota"]>["window"]) => read({ quota: { bytes: 1n, window } })?.quota?.window;
  assert.deepEqual(windowOf({ $case: "lifetime", value: {} }), { kind: "lifetime" });
  assert.deepEqual(windowOf({ $case: "rolling", value: { days: 7 } }), { kind: "rolling", days: 7 });
  const units = { hour: CalendarUnit.CALENDAR_UNIT_HOUR, day: CalendarUnit.CALENDAR_UNIT_DAY, week: CalendarUnit.CALENDAR_UNIT_WEEK };
  for (const [unit, value] of Object.entries(units)) {
    const calendar = { unit: value, timeZone: "Europe/Berlin", anchorDay: 3 };
    assert.deepEqual(windowOf({ $case: "calendar", value: calendar }), { kind: "calendar", unit, timeZone: "Europe/Berlin", anchorDay: 3 });
  }
});

test("a time zone that this process does not know is an error, not no quota", () => {
  const value = { unit: CalendarUnit.CALENDAR_UNIT_DAY, timeZone: "Atlantis/Poseidonis" };
  assert.throws(() => read({ quota: { bytes: 1n, window: { $case: "calendar", value } } }), RangeError);
});
