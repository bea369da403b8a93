import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { FleetStore, LimitReport, QuotaAnswer, QuotaReport, RateReport } from "../../src/index.ts";
import { openOne, openPair, type StoreHarness } from "./harness.ts";

const LIMIT = 1_000_000;
const FLOOD: RateReport = { limit: LIMIT, moved: LIMIT, isSaturated: true, sessions: 1 };
const CALM: RateReport = { limit: LIMIT, moved: 0, isSaturated: false, sessions: 1 };

export const limitReport = (keyId: string, fields: Partial<LimitReport> = {}): LimitReport => ({
  keyId,
  sessions: 1,
  devices: [],
  deviceGraceMs: 60_000,
  ...fields,
});

const quotaReport = (leaseId: string, usedBytes: number, wantedBytes: number, fields: Partial<QuotaReport> = {}): QuotaReport => ({
  windowId: "day/1",
  limitBytes: LIMIT,
  leaseId,
  usedBytes,
  wantedBytes,
  baseBytes: 0,
  forgetAtMs: Date.now() + 3_600_000,
  ...fields,
});

const claim = (keyId: string, device: string, most: { readonly maxDevices?: number; readonly maxSessions?: number }) => ({
  keyId,
  device,
  deviceGraceMs: 60_000,
  ...most,
});

async function lease(store: FleetStore, report: QuotaReport, keyId = "a"): Promise<Extract<QuotaAnswer, { outcome: "leased" }>> {
  const [answer] = await store.exchangeLimits(report.leaseId, [limitReport(keyId, { quota: report })]);
  assert.ok(answer?.quota?.outcome === "leased", `${answer?.quota?.outcome}`);
  return answer.quota;
}

async function share(store: FleetStore, memberId: string, up: RateReport): Promise<number> {
  const [answer] = await store.exchangeLimits(memberId, [limitReport("a", { up })]);
  return answer!.upShare!;
}

export function limitTests(harness: () => StoreHarness): void {
  it("asks the first lease of a window what came before, and counts it", async (t) => {
    const [store, other] = await openPair(t, harness());
    const { baseBytes: _, ...unknown } = quotaReport("l-1", 0, 10);
    const [answer] = await store.exchangeLimits("l-1", [limitReport("a", { quota: unknown })]);
    assert.deepEqual(answer, { keyId: "a", quota: { outcome: "needs-base" }, sessions: 1, devices: 0 });
    const leased = { outcome: "leased", grantedBytes: 10, usedBytes: 700, settledBytes: 700 } as const;
    assert.deepEqual(await lease(store, { ...unknown, baseBytes: 700 }), leased);
    // Another one's base is too late.
    assert.deepEqual(await lease(other, quotaReport("l-2", 5, 10, { baseBytes: 999 })), { ...leased, grantedBytes: 15, usedBytes: 705 });
  });

  it("hands the last bytes of a quota out once, whoever asks", async (t) => {
    const [store, other] = await openPair(t, harness());
    await lease(store, quotaReport("first", LIMIT - 10_000, 0));
    const claims = Array.from({ length: 20 }, (_, at) => lease(at % 2 ? store : other, quotaReport(`l-${at}`, 0, 1_500)));
    const granted = (await Promise.all(claims)).map(({ grantedBytes }) => grantedBytes);
    assert.equal(
      granted.reduce((sum, bytes) => sum + bytes, 0),
      10_000,
    );
    assert.deepEqual(granted.toSorted((a, b) => b - a).slice(0, 7), [1_500, 1_500, 1_500, 1_500, 1_500, 1_500, 1_000]);
    // Who gives back makes room.
    const rich = granted.indexOf(1_500);
    await lease(store, quotaReport(`l-${rich}`, 200, 0));
    assert.equal((await lease(other, quotaReport("late", 0, 5_000))).grantedBytes, 1_300);
  });

  it("never grants more than the limit in all, and knows exactly what was used", async (t) => {
    const store = await openOne(t, harness());
    const step = fc.record({ relay: fc.nat(4), use: fc.nat(100), wanted: fc.nat(LIMIT >> 1), isRepeated: fc.boolean() });
    let runs = 0;
    const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.nat(LIMIT / 2), async (steps, baseBytes) => {
      const windowId = `day/${runs++}`;
      const used = Array.from({ length: 5 }, () => 0);
      const granted = [...used];
      for (const { relay, use, wanted, isRepeated } of steps) {
        used[relay] = Math.floor(used[relay]! + ((granted[relay]! - used[relay]!) * use) / 100);
        const report = quotaReport(`l-${relay}`, used[relay]!, wanted, { windowId, baseBytes });
        const answer = await lease(store, report);
        if (isRepeated) assert.deepEqual(await lease(store, report), answer);
        granted[relay] = answer.grantedBytes;
        assert.ok(answer.grantedBytes - used[relay]! <= wanted);
        assert.equal(
          answer.usedBytes,
          used.reduce((sum, bytes) => sum + bytes, baseBytes),
        );
        const held = granted.reduce((sum, bytes) => sum + bytes, baseBytes);
        assert.ok(held <= LIMIT, `${held} granted`);
      }
    });
    await fc.assert(property, { numRuns: 12 });
  });

  it("follows a limit that is raised or lowered, and counts what went beyond it", async (t) => {
    const store = await openOne(t, harness());
    await lease(store, quotaReport("l-1", 400_000, 100_000));
    assert.equal((await lease(store, quotaReport("l-2", 400_000, LIMIT))).grantedBytes, 500_000);
    assert.equal((await lease(store, quotaReport("l-2", 450_000, LIMIT, { limitBytes: 2 * LIMIT }))).grantedBytes, 1_450_000);
    const lowered = await lease(store, quotaReport("l-1", 700_000, LIMIT, { limitBytes: LIMIT / 2 }));
    assert.deepEqual([lowered.grantedBytes, lowered.usedBytes], [700_000, 1_150_000]);
  });

  it("keeps windows and access keys apart", async (t) => {
    const store = await openOne(t, harness());
    await lease(store, quotaReport("l", 500, 0));
    assert.equal((await lease(store, quotaReport("l", 3, 0, { windowId: "day/2" }))).usedBytes, 3);
    assert.equal((await lease(store, quotaReport("l", 5, 0), "b")).usedBytes, 5);
    assert.equal((await lease(store, quotaReport("l", 7, 0, { windowId: "b:day/1" }), "a:b}{")).usedBytes, 7);
    const found = await store.readLimitUsage([
      { keyId: "a", windowId: "day/1" },
      { keyId: "a", windowId: "day/2" },
      { keyId: "b", windowId: "day/1" },
      { keyId: "a:b}{", windowId: "b:day/1" },
      { keyId: "a", windowId: "" },
      { keyId: "nobody", windowId: "day/1" },
    ]);
    assert.deepEqual(
      found.map(({ keyId, quotaUsedBytes }) => [keyId, quotaUsedBytes]),
      [
        ["a", 500],
        ["a", 3],
        ["b", 5],
        ["a:b}{", 7],
        ["a", undefined],
        ["nobody", undefined],
      ],
    );
  });

  it("counts large numbers exactly", async (t) => {
    const store = await openOne(t, harness());
    const limitBytes = Number.MAX_SAFE_INTEGER;
    const answer = await lease(store, quotaReport("l", limitBytes - 3, 10, { limitBytes, baseBytes: 1 }));
    assert.deepEqual(answer, { outcome: "leased", grantedBytes: limitBytes - 1, usedBytes: limitBytes - 2, settledBytes: 1 });
  });

  it("emptied, has it all back from what the relays know", async (t) => {
    const [before, after] = [await openOne(t, harness()), await openOne(t, harness())];
    await lease(before, quotaReport("l-1", 100, 1_000, { baseBytes: 4_000 }));
    const known = await lease(before, quotaReport("l-2", 20, 1_000));
    assert.equal(known.usedBytes, 4_120);
    await lease(after, quotaReport("l-2", 30, 1_000, { baseBytes: known.settledBytes }));
    assert.equal((await lease(after, quotaReport("l-1", 150, 1_000))).usedBytes, 4_180);
  });

  it("parts of a rate never sum up to more than it, and go where they are of use", async (t) => {
    const [store, other] = await openPair(t, harness());
    assert.ok((await share(store, "m-1", FLOOD)) > 0.98 * LIMIT);
    assert.ok((await share(other, "m-2", FLOOD)) > 0, "a newcomer gets something");
    for (let round = 0; round < 2; round++) {
      const shares = [await share(store, "m-1", FLOOD), await share(other, "m-2", { ...FLOOD, sessions: 3 })];
      assert.ok(shares[0]! + shares[1]! <= LIMIT);
      if (round === 1) assert.ok(Math.abs(shares[0]! / LIMIT - 0.25) < 0.02 && Math.abs(shares[1]! / LIMIT - 0.75) < 0.02, `${shares}`);
    }
    await share(store, "m-1", { ...CALM, sessions: 0 });
    assert.ok((await share(other, "m-2", FLOOD)) > 0.98 * LIMIT);
  });

  it("never hands out more of a rate than there is, in whatever order relays come", async (t) => {
    const store = await openOne(t, harness());
    const rate = fc.record({
      limit: fc.constant(LIMIT),
      moved: fc.nat(LIMIT),
      isSaturated: fc.boolean(),
      sessions: fc.nat(30),
    });
    let runs = 0;
    const property = fc.asyncProperty(fc.array(fc.tuple(fc.nat(4), rate, rate), { maxLength: 40 }), async (steps) => {
      const keyId = `key-${runs++}`;
      const held = { up: new Map<number, number>(), down: new Map<number, number>() };
      for (const [relay, up, down] of steps) {
        const [answer] = await store.exchangeLimits(`m-${relay}`, [limitReport(keyId, { up, down })]);
        held.up.set(relay, answer!.upShare!);
        held.down.set(relay, answer!.downShare!);
        for (const shares of [held.up, held.down]) {
          const sum = [...shares.values()].reduce((all, part) => all + part, 0);
          assert.ok(sum <= LIMIT, `${sum} held`);
        }
      }
    });
    await fc.assert(property, { numRuns: 12 });
  });

  it("gives the last place for a session to one of many who claim it", async (t) => {
    const [store, other] = await openPair(t, harness());
    await store.exchangeLimits("m-0", [limitReport("a", { sessions: 7 })]);
    const verdicts = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (at % 2 ? store : other).claimSession(`m-${at}`, claim("a", "192.0.2.1", { maxSessions: 10 }))),
    );
    assert.equal(verdicts.filter((verdict) => verdict === "admitted").length, 3);
    assert.equal(verdicts.filter((verdict) => verdict === "session-limit").length, 17);
    assert.equal((await store.readLimitUsage([{ keyId: "a", windowId: "" }]))[0]?.sessions, 10);
    // The report says what has become of the claims.
    const admitted = verdicts.lastIndexOf("admitted");
    const [answer] = await other.exchangeLimits(`m-${admitted}`, [limitReport("a", { sessions: 0 })]);
    assert.equal(answer?.sessions, admitted === 0 ? 2 : 9);
    assert.equal(await store.claimSession("m-1", claim("a", "192.0.2.1", { maxSessions: 10 })), "admitted");
  });

  it("admits so many devices, and any session of theirs", async (t) => {
    const [store, other] = await openPair(t, harness());
    const [answer] = await store.exchangeLimits("m-1", [limitReport("a", { devices: ["192.0.2.1", "2001:db8:0:0::/64"] })]);
    assert.equal(answer?.devices, 2);
    const attempt = (device: string, keyId = "a") => other.claimSession("m-2", claim(keyId, device, { maxDevices: 3 }));
    const verdicts = await Promise.all(["d-1", "d-2", "d-3", "d-4"].map((device) => attempt(device)));
    assert.deepEqual(verdicts.toSorted(), ["admitted", "device-limit", "device-limit", "device-limit"]);
    assert.equal(await attempt("2001:db8:0:0::/64"), "admitted");
    assert.equal(await attempt("d-9", "b"), "admitted");
    assert.deepEqual(await store.readLimitUsage([{ keyId: "a", windowId: "" }]), [
      { keyId: "a", quotaUsedBytes: undefined, sessions: 3, devices: 3 },
    ]);
  });

  it("answers hundreds of reports in their order, and none with nothing", async (t) => {
    const store = await openOne(t, harness());
    assert.deepEqual(await store.exchangeLimits("m-1", []), []);
    const reports = Array.from({ length: 200 }, (_, at) =>
      limitReport(`key-${at}`, { sessions: at + 1, ...(at % 2 === 0 && { quota: quotaReport("l", at, 1), up: FLOOD }) }),
    );
    const answers = await store.exchangeLimits("m-1", reports);
    assert.deepEqual(
      answers.map(({ keyId, sessions }) => [keyId, sessions]),
      reports.map(({ keyId, sessions }) => [keyId, sessions]),
    );
    assert.ok(answers.every(({ quota, upShare }, at) => (quota !== undefined && upShare !== undefined) === (at % 2 === 0)));
    const asked = reports.map(({ keyId }) => ({ keyId, windowId: "day/1" }));
    assert.deepEqual(
      (await store.readLimitUsage(asked)).map(({ sessions, quotaUsedBytes }) => [sessions, quotaUsedBytes]),
      reports.map(({ sessions }, at) => [sessions, at % 2 === 0 ? at : undefined]),
    );
  });
}
