import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseBitRate, parseQuota, parseQuotaAction } from "../src/index.ts";

describe("a quota as people write it", () => {
  it("is a size, decimal or binary, and a period", () => {
    const table = {
      "50GB/month": { bytes: 50e9, period: "month" },
      "1.5GiB/week": { bytes: 1.5 * 2 ** 30, period: "week" },
      "10 MB / day": { bytes: 10e6, period: "day" },
      "1B/hour": { bytes: 1, period: "hour" },
      "2TB/30d": { bytes: 2e12, period: { rollingDays: 30 } },
      "100GB/total": { bytes: 100e9, period: "total" },
      "7kB": { bytes: 7_000, period: undefined },
    };
    for (const [text, quota] of Object.entries(table)) assert.deepEqual(parseQuota(text), quota, text);
  });

  it("is refused with a reason that says what is possible", () => {
    assert.throws(() => parseQuota("50GB/fortnight"), /unknown period: expected "hour", "day", .* days such as "30d"/);
    assert.throws(() => parseQuota("50/month"), /has no unit: write "50B"/);
    assert.throws(() => parseQuota("0GB/month"), /more than nothing/);
    for (const text of ["", "/month", "50GB/", "50GB/day/2", "-1GB/day", "50GB/d", "50GB/1.5d", "9999999TB/day"])
      assert.throws(() => parseQuota(text), RangeError, text);
  });

  it("ends in a cut or a low rate", () => {
    assert.deepEqual(parseQuotaAction("cut"), { kind: "cut" });
    assert.deepEqual(parseQuotaAction("throttle:500kbit"), { kind: "throttle", bitsPerSecond: 500_000 });
    for (const text of ["", "throttle", "throttle:", "throttle:1MB", "stop"]) assert.throws(() => parseQuotaAction(text), RangeError, text);
  });
});

describe("a rate as people write it", () => {
  it("is decimal bits a second", () => {
    const table = { "20Mbit": 20e6, "2.5Mbit/s": 2.5e6, "500 kbit": 500_000, "1Gbit": 1e9, "8000bit": 8_000 };
    for (const [text, rate] of Object.entries(table)) assert.equal(parseBitRate(text), rate, text);
    assert.throws(() => parseBitRate("20"), /has no unit: write "20Mbit"/);
    assert.throws(() => parseBitRate("0.5bit"), /not a whole number of bits a second/);
    for (const text of ["20MB", "20mbit", "20Mbps", "-1Mbit", ""]) assert.throws(() => parseBitRate(text), RangeError, text);
  });
});
