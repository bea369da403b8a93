import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LEASE_MEMORY_MS, LEASE_TTL_MS, type QuotaAnswer, type QuotaReport } from "../src/index.ts";
import { leaseQuota, MAX_CLOSED, openLedger, type QuotaLedger } from "../src/quota-ledger.ts";

const LIMIT = 100_000;

const report = (leaseId: string, usedBytes: number, wantedBytes: number): QuotaReport => ({
  windowId: "w",
  limitBytes: LIMIT,
  leaseId,
  usedBytes,
  wantedBytes,
  baseBytes: 0,
  forgetAtMs: 0,
});

const open = (baseBytes = 0): QuotaLedger => openLedger({ ...report("", 0, 0), baseBytes })!;

function lease(ledger: QuotaLedger, nowMs: number, ...fields: Parameters<typeof report>): Extract<QuotaAnswer, { outcome: "leased" }> {
  const answer = leaseQuota(ledger, report(...fields), nowMs);
  assert.ok(answer.outcome === "leased");
  return answer;
}

describe("the ledger of a quota", () => {
  it("does not open without knowing what came before", () => {
    const { baseBytes: _, ...unknown } = report("l", 0, 0);
    assert.equal(openLedger(unknown), undefined);
  });

  it("counts what a silent lease was granted, and what it used when it is back", () => {
    const ledger = open();
    lease(ledger, 0, "l-1", 1_000, 4_000);
    assert.equal(lease(ledger, LEASE_TTL_MS - 1, "l-2", 0, LIMIT).grantedBytes, LIMIT - 5_000);
    const closed = lease(ledger, LEASE_TTL_MS, "l-2", 0, LIMIT);
    assert.deepEqual(closed, { outcome: "leased", grantedBytes: LIMIT - 5_000, usedBytes: 5_000, settledBytes: 5_000 });
    lease(ledger, LEASE_TTL_MS, "l-2", 0, 0);
    const back = lease(ledger, LEASE_TTL_MS + 1, "l-1", 1_500, 100);
    assert.deepEqual(back, { outcome: "leased", grantedBytes: 1_600, usedBytes: 1_500, settledBytes: 0 });
    assert.deepEqual(lease(ledger, LEASE_TTL_MS + 2, "l-1", 1_500, 100), back);
  });

  it("knows closed leases for two days, even where there are many", () => {
    const ledger = open();
    for (let at = 0; at <= MAX_CLOSED; at++) lease(ledger, 0, `l-${at}`, 10, 0);
    lease(ledger, LEASE_TTL_MS, "other", 0, 0);
    assert.equal(ledger.closed.size, MAX_CLOSED + 1);
    lease(ledger, LEASE_TTL_MS + LEASE_MEMORY_MS - 1, "next", 0, 0);
    assert.equal(ledger.closed.size, MAX_CLOSED + 2);
    assert.equal(lease(ledger, 2 * LEASE_TTL_MS + LEASE_MEMORY_MS, "last", 0, 0).usedBytes, 10 * (MAX_CLOSED + 1));
    assert.deepEqual([...ledger.closed.keys()], ["other", "next"]);
  });

  it("never lets all together go beyond the limit, even those it has not heard of for long, and is exact once it has heard of all", () => {
    const step = fc.record({ relay: fc.nat(5), use: fc.nat(100), wanted: fc.nat(LIMIT >> 1), pauseMs: fc.nat(LEASE_TTL_MS) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.nat(LIMIT >> 1), (steps, base) => {
        const ledger = open(base);
        const used = Array.from({ length: 6 }, () => 0);
        const granted = [...used];
        let nowMs = 0;
        const tell = (relay: number, wanted: number) => {
          const answer = lease(ledger, nowMs, `l-${relay}`, used[relay]!, wanted);
          granted[relay] = answer.grantedBytes;
          return answer;
        };
        const sum = (all: readonly number[]) => all.reduce((total, bytes) => total + bytes, base);
        for (const { relay, use, wanted, pauseMs } of steps) {
          nowMs += pauseMs;
          used[relay] = Math.floor(used[relay]! + ((granted[relay]! - used[relay]!) * use) / 100);
          const { usedBytes } = tell(relay, wanted);
          assert.ok(sum(granted) <= LIMIT, `${sum(granted)} granted`);
          assert.ok(usedBytes <= LIMIT);
        }
        const last = used.map((_, relay) => tell(relay, 0)).at(-1)!;
        assert.equal(last.usedBytes, sum(used));
      }),
      { numRuns: 200 },
    );
  });
});
