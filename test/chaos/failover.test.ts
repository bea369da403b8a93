import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { redisMissingReason } from "@shadowfleet/testkit";
import { sufferFailover } from "./faults/failover.ts";

const reason = redisMissingReason();

describe("a Sentinel failover under load", reason === undefined ? { timeout: 120_000 } : { skip: reason }, () => {
  test("costs nobody a session, and at most what was not replicated yet", async (t) => {
    const { figures, broken } = await sufferFailover();
    t.diagnostic(`${figures.balance.received} bytes received, counted ${figures.balance.difference} more`);
    assert.deepEqual(broken, []);
  });
});
