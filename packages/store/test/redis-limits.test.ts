import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type RedisServer, redisMissingReason, startRedis } from "@shadowfleet/testkit";
import fc from "fast-check";
import { Redis } from "ioredis";
import { KEPT_EVENTS, LEASE_TTL_MS, type QuotaReport, RedisStore } from "../src/index.ts";
import { leaseQuota, openLedger, type QuotaLedger } from "../src/quota-ledger.ts";
import { type RatePart, rateShare } from "../src/rate-shares.ts";
import { QUOTA_FUNCTION } from "../src/redis/lua/quota-function.ts";
import { RATE_SHARE_FUNCTION } from "../src/redis/lua/rate-share-function.ts";

const LIMIT = 100_000;

/** ARGV: [limit, own part, other parts]… as JSON; a part begins at index 3. */
const SHARES = `${RATE_SHARE_FUNCTION}
local found = {}
for at, case in ipairs(cjson.decode(ARGV[1])) do found[at] = rate_share(case[1], case[2], case[3], 3) end
return found`;
const listOf = ({ share, moved, isSaturated, sessions }: RatePart) => [0, 0, share, moved, isSaturated ? 1 : 0, sessions];

/** ARGV: [now, report]… as JSON. */
const LEASES = `local now = 0
${QUOTA_FUNCTION}
local found = {}
for at, case in ipairs(cjson.decode(ARGV[1])) do
  now = case[1]
  found[at] = {lease_quota(KEYS[1], KEYS[2], case[2])}
end
return found`;

const part: fc.Arbitrary<RatePart> = fc.record({
  share: fc.nat(LIMIT),
  moved: fc.double({ min: 0, max: 2 * LIMIT, noNaN: true }),
  isSaturated: fc.boolean(),
  sessions: fc.nat(40),
});

describe("limits in Redis", { skip: redisMissingReason() ?? false }, () => {
  let server: RedisServer;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = new Redis({ host: server.host, port: server.port });
  });
  after(async () => {
    redis.disconnect();
    await server.stop();
  });

  it("shares out a rate as the other stores do, number for number", async () => {
    const cases = fc.sample(fc.tuple(fc.integer({ min: 1, max: 2 * LIMIT }), part, fc.array(part, { maxLength: 12 })), 2_000);
    const lists = cases.map(([limit, own, others]) => [limit, listOf(own), others.map(listOf)]);
    const found = await redis.eval(SHARES, 0, JSON.stringify(lists));
    assert.deepEqual(
      found,
      cases.map((one) => rateShare(...one)),
    );
  });

  it("keeps the ledger of a quota as the other stores do, through closed leases and back", async () => {
    const firstMs = Date.now() + 60_000;
    const step = fc.record({
      lease: fc.nat(120),
      usedBytes: fc.nat(300),
      wantedBytes: fc.nat(2_000),
      limitBytes: fc.integer({ min: LIMIT >> 1, max: LIMIT }),
      pauseMs: fc.oneof({ weight: 40, arbitrary: fc.nat(LEASE_TTL_MS >> 4) }, { weight: 1, arbitrary: fc.nat(90_000_000) }),
    });
    for (const [run, steps] of fc.sample(fc.array(step, { minLength: 300, maxLength: 400, size: "max" }), 10).entries()) {
      let nowMs = firstMs;
      const reports = steps.map(({ lease, pauseMs, ...fields }): [number, QuotaReport] => {
        nowMs += pauseMs;
        return [nowMs, { windowId: "w", leaseId: `l-${lease}`, baseBytes: 11, forgetAtMs: firstMs, ...fields }];
      });
      const ledger: QuotaLedger = openLedger(reports[0]![1])!;
      const expected = reports.map(([atMs, report]) => {
        const answer = leaseQuota(ledger, report, atMs);
        assert.ok(answer.outcome === "leased");
        return ["leased", ...[answer.grantedBytes, answer.usedBytes, answer.settledBytes].map(String)];
      });
      assert.deepEqual(await redis.eval(LEASES, 2, `window-${run}`, `closed-${run}`, JSON.stringify(reports)), expected);
      assert.ok(ledger.closed.size > 0, "no lease was ever closed");
      assert.equal(await redis.hlen(`closed-${run}`), ledger.closed.size);
    }
  });

  it("leaves nothing that never goes away but what was asked to stay", async (t) => {
    const store = new RedisStore({ hosts: [server], keyPrefix: "traces" });
    t.after(() => store.close());
    const quota = {
      windowId: "w",
      limitBytes: 1,
      leaseId: "l",
      usedBytes: 0,
      wantedBytes: 0,
      baseBytes: 0,
      forgetAtMs: Date.now() + 90_000,
    };
    await store.exchangeLimits("m", [{ keyId: "a", sessions: 1, devices: ["192.0.2.1"], deviceGraceMs: 60_000, quota }]);
    await store.claimSession("m", { keyId: "b", device: "192.0.2.1", deviceGraceMs: 60_000 });
    await store.takeTurn("webhooks", "m", 1_000);
    await store.appendEvents([{ type: "key.cut", subject: "a", atMs: 1, details: {}, once: "o" }]);
    const keys = await redis.keys("{traces:*");
    const staying = [];
    for (const key of keys) if ((await redis.pttl(key)) === -1) staying.push(key);
    assert.deepEqual(staying, ["{traces:config}:events"]);
    assert.equal(keys.length, 8);
    assert.ok((await redis.pttl("{traces:config}:once:o")) > 61 * 86_400_000);
  });

  it("keeps the newest 100,000 events and not many more", async (t) => {
    const store = new RedisStore({ hosts: [server], keyPrefix: "events" });
    t.after(() => store.close());
    const event = { type: "key.cut", subject: "a", atMs: 1, details: {} } as const;
    for (let at = 0; at < 11; at++) await store.appendEvents(Array.from({ length: KEPT_EVENTS / 10 }, () => event));
    const kept = await redis.xlen("{events:config}:events");
    assert.ok(kept >= KEPT_EVENTS && kept < KEPT_EVENTS + 1_000, `${kept} kept`);
  });
});
