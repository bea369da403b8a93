import assert from "node:assert/strict";
import { test } from "node:test";
import type { FaultFigures } from "../traffic/fault-figures.ts";
import { together, UNNOTICED, violations } from "./limits.ts";

/** Nothing happened. */
const WELL: FaultFigures = {
  fault: "nothing",
  lastedMs: 1_000,
  flows: { kept: 4, lost: 0 },
  short: { total: 20, failed: 0, late: 0 },
  datagrams: { total: 20, unanswered: 0 },
  recoveredMs: 0,
  datagramsRecoveredMs: 0,
  balance: { counted: 100, received: 100, difference: 0 },
  answersLost: 0,
  bytesPerSecond: 800_000,
};

test("each thing that a fault may not cost is seen, and a byte is enough", () => {
  assert.deepEqual(violations(WELL, UNNOTICED), []);
  const costs: readonly Partial<FaultFigures>[] = [
    { flows: { kept: 3, lost: 1 } },
    { short: { total: 20, failed: 1, late: 0 } },
    { datagrams: { total: 20, unanswered: 1 } },
    { balance: { counted: 101, received: 100, difference: 1 } },
    { balance: { counted: 99, received: 100, difference: -1 } },
    { recoveredMs: 1_001 },
    { datagramsRecoveredMs: 1_001 },
  ];
  for (const cost of costs) assert.equal(violations({ ...WELL, ...cost }, UNNOTICED).length, 1, JSON.stringify(cost));
});

test("an answer that was counted and then lost on its way is on the books, one that was not counted is missing", () => {
  const lost = { ...WELL, answersLost: 200 };
  assert.deepEqual(violations({ ...lost, balance: { counted: 300, received: 100, difference: 200 } }, UNNOTICED), []);
  assert.equal(violations(lost, UNNOTICED).length, 1);
});

test("two faults at once may cost what either may", () => {
  const either = { sessions: 2, failedShare: 0.6, datagramShare: 0.1, uncountedS: 1, recoveryS: 2 };
  assert.deepEqual(together(either, either), { sessions: 4, failedShare: 1, datagramShare: 0.2, uncountedS: 2, recoveryS: 4 });
});
