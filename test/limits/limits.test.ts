import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { redisMissingReason } from "@shadowfleet/testkit";
import { disable, expiry } from "./cases/ends.ts";
import { outage } from "./cases/outage.ts";
import { devices, sessions } from "./cases/places.ts";
import { cutLive, measureRestore, raise, throttle } from "./cases/quotas.ts";
import { measureMove, measureRate, type RateCase } from "./cases/rates.ts";
import { LimitedFleet } from "./limited-fleet.ts";
import type { Row } from "./row.ts";

const reason = redisMissingReason();
const SECONDS = 5;
const QUOTA_BYTES = 20_000_000;
/** Of a rate over 5 s. A machine that is busy with other suites may give a key less than it asks for, never more. */
const MOST = 1.05;
const LEAST = 0.9;
/** Everything is to happen within a second, a rate's move within two; a busy machine may take so much longer. */
const LATE_MS = 1000;

const tell = (t: TestContext, { what, asked, measured, overshoot, ms }: Row): void => {
  const over = overshoot === undefined ? "" : `, ${overshoot} B beyond`;
  t.diagnostic(`${what}: asked ${asked}, measured ${measured}${over}${ms === undefined ? "" : `, ${Math.round(ms)} ms`}`);
};

/** What `node test/limits/run.ts` measures at length, on three tcp-relays and a udp-relay of two workers each. */
describe("limits of access keys on three relays", reason === undefined ? { timeout: 280_000 } : { skip: reason }, () => {
  let fleet: LimitedFleet;
  before(async () => {
    fleet = await LimitedFleet.start({ udpRelays: 1 });
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  describe("keys side by side", { concurrency: true }, () => {
    const rates: Readonly<Record<string, RateCase>> = {
      "20 Mbit/s, 32 downloads": { direction: "down", connections: 32, seconds: SECONDS },
      "20 Mbit/s, one upload": { direction: "up", connections: 1, seconds: SECONDS },
      "8 Mbit/s, uploads and datagrams": {
        direction: "up",
        connections: 3,
        datagrams: 4_000_000,
        bitsPerSecond: 8_000_000,
        seconds: SECONDS,
      },
    };
    for (const [name, options] of Object.entries(rates)) {
      test(`a rate holds over all relays: ${name}`, async (t) => {
        const { row, ratio } = await measureRate(fleet, options);
        tell(t, row);
        assert.ok(ratio > LEAST && ratio < MOST, row.measured);
      });
    }

    test("a rate follows its key to another relay", async (t) => {
      const { row, ms } = await measureMove(fleet);
      tell(t, row);
      assert.ok(ms <= 2000 + LATE_MS, `${ms} ms`);
    });

    test("a quota ends every session within a second, and more of it lets them in again", async (t) => {
      const cut = await cutLive(fleet, QUOTA_BYTES);
      tell(t, cut.row);
      assert.ok(cut.overshoot >= 0 && cut.overshoot < QUOTA_BYTES / 100, `${cut.overshoot} B`);
      assert.ok(cut.cutMs <= 1000 + LATE_MS, `${cut.cutMs} ms`);
      assert.ok(cut.datagramMs <= 1000 + LATE_MS, `datagrams ${cut.datagramMs} ms`);
      const restored = await measureRestore(fleet, cut.key, "quota raised", () => raise(fleet, cut.key, 2 * QUOTA_BYTES));
      tell(t, restored.row);
      assert.ok(restored.ms <= 1000 + LATE_MS, `${restored.ms} ms`);
    });

    test("beyond a quota that throttles it goes on at the low rate, and fast again with more quota", async (t) => {
      const { row, restored, ratio, restoreMs } = await throttle(fleet, SECONDS);
      tell(t, row);
      tell(t, restored);
      assert.ok(ratio > LEAST && ratio < MOST, row.measured);
      assert.ok(restoreMs <= 1000 + LATE_MS, `${restoreMs} ms`);
    });

    test("two devices of three get in, and the third one when another has been gone for its grace time", async (t) => {
      const { row, served, withinGrace, ms } = await devices(fleet);
      tell(t, row);
      assert.deepEqual([served, withinGrace], [[3, 3, 0], false]);
      assert.ok(ms >= 5000, `in after ${ms} ms`);
    });

    test("three sessions of twelve at once get in, and one more for one that ended", async (t) => {
      const { row, served, next } = await sessions(fleet);
      tell(t, row);
      assert.deepEqual([served, next], [3, true]);
    });

    test("expired and disabled keys lose every session within a second", async (t) => {
      for (const { row, ms } of [await expiry(fleet), await disable(fleet)]) {
        tell(t, row);
        assert.ok(ms <= 1000 + LATE_MS, `${ms} ms`);
      }
    });
  });

  test("Redis dies: downloads keep their rate, new ones begin, and all of it is counted afterwards", async (t) => {
    const { rows, ratio, isNewServed, uncounted } = await outage(fleet, 2);
    for (const row of rows) tell(t, row);
    assert.ok(ratio > LEAST && ratio < MOST, String(ratio));
    assert.ok(isNewServed);
    assert.equal(uncounted, 0);
  });
});
