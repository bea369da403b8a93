import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bytesText,
  exactBitRate,
  exactBytes,
  parseBitRate,
  parseBytes,
  rateText,
} from "../../services/management/src/console/page/format/amounts.ts";
import { exactMoment, parseMoment, parseSpan, spanText, whenText } from "../../services/management/src/console/page/format/moments.ts";
import { parseQuota } from "../../services/management/src/console/page/format/quotas.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");

test("amounts are read as people write them, and refused rather than guessed", () => {
  const bytes: [string, number | undefined][] = [
    ["50 GB", 50e9],
    ["50gb", 50e9],
    ["1.5 TiB", 1.5 * 2 ** 40],
    ["700m", 700e6],
    ["1,000,000", 1_000_000],
    ["0.1 kB", 100],
    ["", undefined],
    ["GB", undefined],
    ["50 XB", undefined],
    ["-1 GB", undefined],
    ["9000000 TB", undefined],
  ];
  for (const [text, value] of bytes) assert.equal(parseBytes(text), value, text);
  const rates: [string, number | undefined][] = [
    ["20 Mbit/s", 20e6],
    ["20M", 20e6],
    ["20 Mbps", 20e6],
    ["2.5 MB/s", 20e6],
    ["800k", 800e3],
    ["20 M/h", undefined],
    ["fast", undefined],
  ];
  for (const [text, value] of rates) assert.equal(parseBitRate(text), value, text);
  assert.deepEqual(parseQuota("50 GB / month"), { bytes: 50e9, window: "month" });
  assert.deepEqual(parseQuota("1 TB per week"), { bytes: 1e12, window: "week" });
  assert.deepEqual(parseQuota("2 GB"), { bytes: 2e9 });
  for (const text of ["50 GB / year", "0 GB", "/ month"]) assert.equal(parseQuota(text), undefined, text);
});

test("what stands in a form is read back as the same number", () => {
  for (const bytes of [1, 999, 1_000, 50e9, 1.5e12, 123_456_789, 5 * 2 ** 30, 3 * 2 ** 20, 2 ** 53 - 1]) {
    assert.equal(parseBytes(exactBytes(bytes)), bytes, exactBytes(bytes));
    assert.equal(parseBitRate(exactBitRate(bytes)), bytes, exactBitRate(bytes));
  }
  const time = "2027-01-31T18:00:00.000Z";
  assert.equal(parseMoment(exactMoment(time)), time);
});

test("three digits, the largest unit, never 1000 of a smaller one", () => {
  assert.deepEqual([0, 999, 999.6, 12_345, 999_600, 1e15].map(bytesText), ["0 B", "999 B", "1 kB", "12.3 kB", "1 MB", "1 PB"]);
  assert.equal(rateText(125_000), "1 Mbit/s");
});

test("moments and spans", () => {
  assert.equal(parseSpan("24 h"), 86_400);
  assert.equal(parseSpan("90 min"), 5_400);
  assert.equal(parseSpan("2 days"), 172_800);
  for (const text of ["24", "h", "1 year", "-1 h"]) assert.equal(parseSpan(text), undefined, text);
  assert.equal(parseMoment("30 days", NOW), "2026-12-26T12:00:00.000Z");
  for (const text of ["2027-13-01", "tomorrow", "2027-01-01 25:00"]) assert.equal(parseMoment(text, NOW), undefined, text);
  assert.deepEqual([59, 60, 3_600, 90_000].map(spanText), ["59 s", "1 min", "1 h", "1 d"]);
  assert.equal(whenText("2026-11-26T11:55:00Z", NOW), "5 min ago");
  assert.equal(whenText("2026-11-29T12:00:00Z", NOW), "in 3 d");
  assert.equal(whenText(undefined, NOW), "never");
});
