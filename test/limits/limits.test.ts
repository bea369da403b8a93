import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { redisMissingReason } from "@shadowfleet/testkit";
import { disable, expiry } from "./cases/ends.ts";
import { outage } from "./cases/outage.ts";
import { devices, sessions } from "./cases/places.ts";
import { cutLive, measureRestore, raise, throttle } from "./cases/quotas.ts";
import { measureMove, measureRate } from "./cases/rates.ts";
import { LimitedFleet } from "./limited-fleet.ts";
import type { Row } from "./row.ts";

const reason = redisMissingReason();
const SECONDS = 5;
const QUOTA_BYTES = 20_000_000;
/** Of a rate over 5 s. A machine that is busy with other suites may give a key less than it asks for, never more. */
const MOST = 1.05;
const LEAST = 0.9;
const A_SECOND_MS = 1000;

/** What `node test/limits/run.ts` measures at length, on three tcp-relays and a udp-relay of two workers each. */
describe("limits of access keys on three relays", reason === undefined ? { timeout: 280_000 } : { skip: reason }, () => {
  let fleet: LimitedFleet;
  before(async () => {
    fleet = await LimitedFleet.start({ udpRelays: 1 });
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  const tell = (t: { diagnostic(text: string): void }, { what, asked, measured, overshoot, ms }: Row): void => {
    const over = overshoot === undefined ? "" : `, ${overshoot} B beyond`;
    t.diagnostic(`${what}: asked ${asked}, measured ${measured}${over}${ms === undefined ? "" : `, ${Math.round(ms)} ms`}`);
  };

  test("20 Mbit/s: 32 downloads on three relays, and one upload beside them", async (t) => {
    const [down, up] = await Promise.all([
      measureRate(fleet, { direction: "down", connections: 32, seconds: SECONDS }),
      measureRate(fleet, { direction: "up", connections: 1, seconds: SECONDS }),
    ]);
    for (const { row, ratio } of [down, up]) {
      tell(t, row);
      assert.ok(ratio > LEAST && ratio < MOST, row.measured);
    }
  });

  test("a rate follows its key to another relay, and holds for TCP and UDP together", async (t) => {
    const [move, mixed] = await Promise.all([
      measureMove(fleet),
      measureRate(fleet, { direction: "up", connections: 3, datagrams: 4_000_000, bitsPerSecond: 8_000_000, seconds: SECONDS }),
    ]);
    tell(t, move.row);
    assert.ok(move.ms <= 2000, `${move.ms} ms`);
    tell(t, mixed.row);
    assert.ok(mixed.ratio > LEAST && mixed.ratio < MOST, mixed.row.measured);
  });

  test("a quota ends every session within a second, and more of it lets them in again", async (t) => {
    const cut = await cutLive(fleet, QUOTA_BYTES);
    tell(t, cut.row);
    assert.ok(cut.overshoot >= 0 && cut.overshoot < QUOTA_BYTES / 100, `${cut.overshoot} B`);
    assert.ok(cut.cutMs <= A_SECOND_MS, `${cut.cutMs} ms`);
    assert.ok(cut.datagramMs <= A_SECOND_MS, `datagrams ${cut.datagramMs} ms`);
    const restored = await measureRestore(fleet, cut.key, "quota raised", () => raise(fleet, cut.key, 2 * QUOTA_BYTES));
    tell(t, restored.row);
    assert.ok(restored.ms <= A_SECOND_MS, `${restored.ms} ms`);
  });

  test("throttled, devices, sessions, expiry and disabling, side by side", async (t) => {
    const [slow, ofDevices, ofSessions, expired, disabled] = await Promise.all([
      throttle(fleet, SECONDS),
      devices(fleet),
      sessions(fleet),
      expiry(fleet),
      disable(fleet),
    ]);
    for (const row of [slow.row, slow.restored, ofDevices.row, ofSessions.row, expired.row, disabled.row]) tell(t, row);
    assert.ok(slow.ratio > LEAST && slow.ratio < MOST, slow.row.measured);
    assert.ok(slow.restoreMs <= 2000, `${slow.restoreMs} ms`);
    assert.deepEqual([ofDevices.served, ofDevices.withinGrace], [[3, 3, 0], false]);
    assert.ok(ofDevices.ms >= 2000, `in after ${ofDevices.ms} ms`);
    assert.deepEqual([ofSessions.served, ofSessions.next], [3, true]);
    assert.ok(expired.ms <= A_SECOND_MS && disabled.ms <= A_SECOND_MS, `${expired.ms} ms, ${disabled.ms} ms`);
  });

  test("Redis dies: downloads keep their rate, new ones begin, and all of it is counted afterwards", async (t) => {
    const { rows, ratio, isNewServed, uncounted } = await outage(fleet, 3);
    for (const row of rows) tell(t, row);
    assert.ok(ratio > LEAST && ratio < MOST, String(ratio));
    assert.ok(isNewServed);
    assert.equal(uncounted, 0);
  });
});
