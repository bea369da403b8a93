import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { redisMissingReason } from "@shadowfleet/testkit";
import { ChaosFleet } from "./chaos-fleet.ts";
import { chaosTable } from "./chaos-table.ts";
import { allFaults } from "./faults/all-faults.ts";
import { smallDiskMissingReason } from "./small-disk.ts";
import { type ChaosResult, suffer } from "./suffer.ts";

const reason = redisMissingReason() ?? smallDiskMissingReason();
const LASTS_MS = 1_500;
/** The most telling ones that test/containers does not have; `npm run test:chaos` is all of them, and longer. */
const IDS = [
  "redis-empty",
  "redis-partition",
  "redis-answers-lost",
  "redis-disk-full",
  "one-management-killed",
  "relay-killed",
  "relay-out-of-memory",
  "clock-ahead",
  "out-of-descriptors",
];

describe(
  "faults under load cost what they may, and no counted byte",
  reason === undefined ? { timeout: 280_000 } : { skip: reason },
  () => {
    let chaos: ChaosFleet;
    const results: ChaosResult[] = [];

    before(async () => {
      chaos = await ChaosFleet.start();
    });
    after(async () => {
      await chaos?.[Symbol.asyncDispose]();
      console.log(chaosTable(results));
    });

    for (const id of IDS) {
      test(id, async () => {
        const fault = allFaults(chaos, LASTS_MS).find((one) => one.id === id);
        assert.ok(fault);
        const result = await suffer(chaos, fault);
        results.push(result);
        assert.deepEqual(result.broken, []);
      });
    }
  },
);
