import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  AccessKey,
  CalendarUnit,
  CreateAccessKeyResponse,
  GetAccessKeyResponse,
  AccessKeyServiceService as Keys,
  ListAccessKeysResponse,
  QuotaAction,
  UpdateAccessKeyResponse,
} from "@shadowfleet/control-api";
import { alice, DAY_MS, URI } from "./alice.ts";
import { documentOf, NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";

const QUOTA = {
  bytes: 50_000_000_000n,
  window: { $case: "calendar", value: { unit: CalendarUnit.CALENDAR_UNIT_MONTH, timeZone: "Europe/Berlin", anchorDay: 15 } },
  action: QuotaAction.QUOTA_ACTION_THROTTLE,
  throttleBitsPerSecond: 1_000_000n,
} as const;
const limited = AccessKey.fromPartial({
  ...alice,
  limits: {
    quota: QUOTA,
    upBitsPerSecond: 2_500_000n,
    downBitsPerSecond: 20_000_000n,
    maxDevices: 3,
    deviceGrace: { seconds: 120n },
    maxSessions: 100,
  },
  usage: { quotaUsedBytes: 20_500_000_000n, windowEndTime: new Date(NOW_MS + 3 * DAY_MS), devices: 2, sessions: 17 },
});

describe("limits", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(Keys.createAccessKey, () => CreateAccessKeyResponse.fromPartial({ accessKey: limited, accessUri: URI }));
    fleet.answer(Keys.updateAccessKey, () => UpdateAccessKeyResponse.fromPartial({ accessKey: limited }));
    fleet.answer(Keys.getAccessKey, () => GetAccessKeyResponse.fromPartial({ accessKey: limited }));
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  const CREATE = ["key", "create", "alice", "--quota", "50GB/month", "--quota-time-zone", "Europe/Berlin", "--quota-anchor", "15"];

  test("are made of flags", async () => {
    const more = ["--quota-action", "throttle:1Mbit", "--rate", "20Mbit", "--rate-up", "2.5Mbit", "--max-devices", "3"];
    const { out } = await runAgainst(fleet, [...CREATE, ...more, "--device-grace", "2m", "--max-sessions", "100"]);
    assert.deepEqual(fleet.requestOf(Keys.createAccessKey).accessKey?.limits, limited.limits);
    assert.match(out, /^quota +50\.0 GB a month \(Europe\/Berlin, from day 15\), then 1\.00 Mbit\/s$/m);
    assert.doesNotMatch(out, /quota used/);
  });

  const WINDOWS = [
    ["1GiB", undefined],
    ["1GiB/hour", { $case: "calendar", value: { unit: CalendarUnit.CALENDAR_UNIT_HOUR, timeZone: "", anchorDay: 0 } }],
    ["1GiB/30d", { $case: "rolling", value: { days: 30 } }],
    ["1GiB/total", { $case: "lifetime", value: {} }],
  ] as const;
  for (const [text, window] of WINDOWS) {
    test(`--quota ${text}`, async () => {
      await runAgainst(fleet, ["key", "create", "alice", "--quota", text]);
      const quota = fleet.requestOf(Keys.createAccessKey).accessKey?.limits?.quota;
      assert.deepEqual([quota?.bytes, quota?.window, quota?.action], [2n ** 30n, window, 0]);
    });
  }

  const WRONG = [
    [["--quota", "50"], '--quota: has no unit: write "50B" if that is meant, or a size such as "512B", "64KiB" or "50GB"'],
    [["--quota", "50Gbit/month"], '--quota: unknown unit "Gbit": expected a size such as "512B", "64KiB" or "50GB"'],
    [["--quota", "50GB/year"], '--quota: unknown period: expected "hour", "day", "week", "month", "total" or days such as "30d"'],
    [["--quota", "50GB/month/2"], '--quota: expected a size and a period such as "50GB/month"'],
    [["--quota", "0B/month"], "--quota: expected more than nothing"],
    [["--quota-anchor", "32"], '--quota-anchor: expected a day of the month from 1 to 31, or a day of the week such as "monday"'],
    [["--quota-anchor", "3"], "--quota-time-zone, --quota-anchor and --quota-action go with --quota"],
    [["--quota", "1GB/30d", "--quota-anchor", "3"], "--quota-time-zone and --quota-anchor go with a quota by the hour, day, week or month"],
    [["--quota", "1GB", "--quota-action", "slow"], '--quota-action: expected "cut", or "throttle:" and a rate such as "throttle:1Mbit"'],
    [["--rate", "20MB"], '--rate: unknown unit "MB": expected a rate such as "500kbit", "20Mbit" or "1Gbit"'],
    [["--rate", "20"], '--rate: has no unit: write "20Mbit" if that is meant, or a rate such as "500kbit", "20Mbit" or "1Gbit"'],
    [["--rate", "1bit", "--rate-up", "1bit", "--rate-down", "1bit"], "--rate says nothing beside --rate-up and --rate-down"],
    [["--max-devices", "0"], "--max-devices: expected a whole number from 1 to 4294967295"],
  ] as const;
  for (const [flags, reason] of WRONG) {
    test(`refuses ${flags.join(" ")}`, async () => {
      const { exitCode, err } = await runAgainst(fleet, ["key", "create", "alice", ...flags]);
      assert.deepEqual([exitCode, err.split("\n")[0]], [2, `shadowfleet: ${reason}`]);
      assert.deepEqual(fleet.requestsOf(Keys.createAccessKey), []);
    });
  }

  test("are changed one by one; a part of a quota leaves the others", async () => {
    await runAgainst(fleet, ["key", "update", "alice", "--quota", "60GB", "--no-rate", "--max-sessions", "7"]);
    const { accessKey, updateMask } = fleet.requestOf(Keys.updateAccessKey);
    assert.deepEqual(updateMask, ["limits.quota", "limits.up_bits_per_second", "limits.down_bits_per_second", "limits.max_sessions"]);
    assert.deepEqual(accessKey?.limits?.quota, { ...limited.limits?.quota, bytes: 60_000_000_000n });
    assert.deepEqual([accessKey?.limits?.upBitsPerSecond, accessKey?.limits?.maxSessions], [0n, 7]);
    assert.equal(accessKey?.resourceVersion, alice.resourceVersion, "nobody may have changed the rest meanwhile");
  });

  test("another unit keeps the time zone, not the anchor; a day of the week has a name", async () => {
    await runAgainst(fleet, ["key", "update", "alice", "--quota", "10GB/week", "--quota-action", "cut"]);
    await runAgainst(fleet, ["key", "update", "alice", "--quota", "10GB/week", "--quota-anchor", "Fri"]);
    const [plain, anchored] = fleet.requestsOf(Keys.updateAccessKey).map(({ accessKey }) => accessKey?.limits?.quota);
    const week = { unit: CalendarUnit.CALENDAR_UNIT_WEEK, timeZone: "Europe/Berlin", anchorDay: 0 };
    assert.deepEqual(plain?.window, { $case: "calendar", value: week });
    assert.deepEqual([plain?.action, plain?.throttleBitsPerSecond], [QuotaAction.QUOTA_ACTION_CUT, 0n]);
    assert.deepEqual(anchored?.window, { $case: "calendar", value: { ...week, anchorDay: 5 } });
  });

  test("are taken away without a look at what they are", async () => {
    await runAgainst(fleet, ["key", "update", "alice", "--no-quota", "--no-max-devices"]);
    assert.deepEqual(fleet.requestOf(Keys.updateAccessKey).updateMask, ["limits.quota", "limits.max_devices"]);
    assert.deepEqual(fleet.requestsOf(Keys.getAccessKey), []);
    const { exitCode, err } = await runAgainst(fleet, ["key", "update", "alice", "--no-quota", "--quota", "1GB"]);
    assert.deepEqual([exitCode, err.split("\n")[0]], [2, "shadowfleet: --quota and --no-quota exclude each other"]);
  });

  test("are shown with what is used of them", async () => {
    const { out } = await runAgainst(fleet, ["key", "show", "alice"]);
    const lines = out.split("\n").filter((line) => /^(quota|rate|devices|sessions)/.test(line));
    assert.deepEqual(
      lines.map((line) => line.replace(/\d{4}-.*\(/, "(").replace(/ +/g, " ")),
      [
        "quota 50.0 GB a month (Europe/Berlin, from day 15), then 1.00 Mbit/s",
        "quota used ████████░░░░░░░░░░░░ 20.5 GB (41 %)",
        "quota renews (in 3d)",
        "rate up 2.50 Mbit/s",
        "rate down 20.0 Mbit/s",
        "devices 2 of 3, each until 2m after its last session",
        "sessions 17 of 100",
      ],
    );
  });

  test("have columns in a list where there is a quota, and documents", async () => {
    const cut = AccessKey.fromPartial({ ...limited, id: "carol", usage: { quotaUsedBytes: 50_000_000_001n, exhausted: true } });
    const unknown = AccessKey.fromPartial({ ...limited, id: "dora", usage: undefined });
    fleet.answer(Keys.listAccessKeys, () =>
      ListAccessKeysResponse.fromPartial({ accessKeys: [limited, { ...alice, id: "bob" }, cut, unknown] }),
    );
    const { out } = await runAgainst(fleet, ["key", "list"]);
    const cells = out.split("\n").map((line) => line.split(/ {2,}/).slice(4, 8).join("|"));
    assert.deepEqual(cells.slice(0, 5), [
      "STATE|USED|QUOTA|RENEWS",
      "active|20.5 GB (41 %)|50.0 GB/month|in 3d",
      "active|-|-|-",
      "active, throttled|50.0 GB (100 %)|50.0 GB/month|?",
      "active|?|50.0 GB/month|?",
    ]);
    const document = documentOf(await runAgainst(fleet, ["key", "show", "alice", "-o", "json"])) as Record<string, unknown>;
    assert.deepEqual(document.limits, {
      quota: {
        bytes: 50_000_000_000,
        window: { kind: "calendar", unit: "month", timeZone: "Europe/Berlin", anchorDay: 15 },
        action: "throttle",
        throttleBitsPerSecond: 1_000_000,
        resetTime: null,
      },
      upBitsPerSecond: 2_500_000,
      downBitsPerSecond: 20_000_000,
      maxDevices: 3,
      deviceGraceSeconds: 120,
      maxSessions: 100,
    });
    assert.deepEqual(document.usage, {
      quotaUsedBytes: 20_500_000_000,
      windowStartTime: null,
      windowEndTime: "2026-11-26T00:00:00.000Z",
      exhausted: false,
      devices: 2,
      sessions: 17,
    });
  });

  test("a quota is reset", async () => {
    const quota = { ...QUOTA, resetTime: new Date(NOW_MS) };
    fleet.answer(Keys.resetQuota, () => ({ accessKey: AccessKey.fromPartial({ ...limited, limits: { quota } }) }));
    const { out } = await runAgainst(fleet, ["key", "reset-quota", "alice"]);
    assert.equal(fleet.requestOf(Keys.resetQuota).id, "alice");
    assert.match(out, /^quota was reset +2026-11-2/m);
  });
});
