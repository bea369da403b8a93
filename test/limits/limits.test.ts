import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { redisMissingReason } from "@shadowfleet/testkit";
import { disable, expiry } from "./cases/ends.ts";
import { outage } from "./cases/outage.ts";
import { devices, sessions } from "./cases/places.ts";
import { cutDatagrams, cutLive, measureRestore, raise, throttle } from "./cases/quotas.ts";
import { measureMove, measureRate, type RateCase } from "./cases/rates.ts";
import { Lateness } from "./lateness.ts";
import { LimitedFleet } from "./limited-fleet.ts";
import type { Row } from "./row.ts";

const reason = redisMissingReason();
const SECONDS = 5;
const QUOTA_BYTES = 20_000_000;
/**
 * Of a rate over 5 s, where no timer of this process comes late. One that stands still counts afterwards what has come before, and relays that do move less
 * than they may.
 */
const MOST = 1.05;
const LEAST = 0.9;
/** Everything is to happen within a second, a rate's move within two; and so many times as late as a timer may come. */
const LATE_TIMES = 5;

const tell = (t: TestContext, { what, asked, measured, overshoot, ms }: Row): void => {
  const over = overshoot === undefined ? "" : `, ${overshoot} B beyond`;
  t.diagnostic(`${what}: asked ${asked}, measured ${measured}${over}${ms === undefined ? "" : `, ${Math.round(ms)} ms`}`);
};

/** What `node test/limits/run.ts` measures at length, on three tcp-relays and a udp-relay of two workers each. */
describe("limits of access keys on three relays", reason === undefined ? { timeout: 280_000 } : { skip: reason }, () => {
  let fleet: LimitedFleet;
  let lateness: Lateness;
  const isSoon = (ms: number, limitMs = 1000): void =>
    assert.ok(ms <= limitMs + LATE_TIMES * lateness.worstMs, `${ms} ms; timers come ${lateness.worstMs} ms late`);
  const isRate = (ratio: number): void => {
    const least = LEAST - lateness.worstMs / 1000;
    const most = MOST + lateness.worstMs / (SECONDS * 1000);
    assert.ok(ratio > least && ratio < most, `${ratio} of the rate, ${least} to ${most} expected`);
  };
  before(async () => {
    fleet = await LimitedFleet.start({ udpRelays: 1 });
    lateness = new Lateness();
  });
  after(async () => {
    lateness?.[Symbol.dispose]();
    await fleet?.[Symbol.asyncDispose]();
  });

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
        isRate(ratio);
      });
    }

    test("a rate follows its key to another relay", async (t) => {
      const { row, ms } = await measureMove(fleet);
      tell(t, row);
      isSoon(ms, 2000);
    });

    test("a quota ends every session within a second, and more of it lets them in again", async (t) => {
      const cut = await cutLive(fleet, QUOTA_BYTES, 40_000_000n);
      tell(t, cut.row);
      assert.ok(cut.overshoot >= 0 && cut.overshoot < QUOTA_BYTES / 100, `${cut.overshoot} B`);
      isSoon(cut.cutMs);
      isSoon(cut.datagramMs);
      const restored = await measureRestore(fleet, cut.key, "quota raised", () => raise(fleet, cut.key, 2 * QUOTA_BYTES));
      tell(t, restored.row);
      isSoon(restored.ms);
    });

    test("a quota ends datagrams alone as soon", async (t) => {
      const { row, overshoot, cutMs } = await cutDatagrams(fleet, 1_500_000);
      tell(t, row);
      // A credit for each of two workers, and what came while nobody counted.
      assert.ok(overshoot >= 0 && overshoot < 2 * 64 * 1024 + 1500 * lateness.worstMs, `${overshoot} B`);
      isSoon(cutMs);
    });

    test("beyond a quota that throttles it goes on at the low rate, and fast again with more quota", async (t) => {
      const { row, restored, ratio, restoreMs } = await throttle(fleet, SECONDS);
      tell(t, row);
      tell(t, restored);
      isRate(ratio);
      isSoon(restoreMs);
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
        isSoon(ms);
      }
    });
  });

  test("Redis dies: downloads keep their rate, new ones begin, and all of it is counted afterwards", async (t) => {
    const { rows, ratio, isNewServed, uncounted } = await outage(fleet, 2);
    for (const row of rows) tell(t, row);
    isRate(ratio);
    assert.ok(isNewServed);
    assert.equal(uncounted, 0);
  });
});
