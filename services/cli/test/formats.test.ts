import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { formatBytes, formatExactBytes, formatRate, formatShare } from "../src/output/amounts.ts";
import { toJson, toYaml } from "../src/output/document.ts";
import { pairLines, tableLines } from "../src/output/table.ts";
import { fitText, printable, textWidth } from "../src/output/text-width.ts";
import { formatSpan, formatTime, formatTimeFromNow } from "../src/output/times.ts";

describe("amounts", () => {
  const BYTES: readonly (readonly [bytes: bigint, text: string])[] = [
    [0n, "0 B"],
    [999n, "999 B"],
    [1000n, "1.00 kB"],
    [1234n, "1.23 kB"],
    [999_499n, "999 kB"],
    [999_500n, "1.00 MB"],
    [12_345_678n, "12.3 MB"],
    [50_000_000_000n, "50.0 GB"],
    [2n ** 63n, "9.22 EB"],
    [2n ** 64n - 1n, "18.4 EB"],
  ];
  for (const [bytes, text] of BYTES) test(`${bytes} bytes are ${text}`, () => assert.equal(formatBytes(bytes), text));

  test("exact byte counts keep every digit", () => assert.equal(formatExactBytes(2n ** 64n - 1n), "18446744073709551615"));

  test("rates are bits a second", () => {
    assert.equal(formatRate(0), "0 bit/s");
    assert.equal(formatRate(2_500_000), "20.0 Mbit/s");
    assert.equal(formatRate(0.4), "3 bit/s");
  });

  test("shares tell next to nothing from nothing", () => {
    assert.deepEqual([1, 0.5, 1 / 21, 0.0001, 0].map(formatShare), ["100 %", "50 %", "4.8 %", "<0.1 %", "0 %"]);
  });
});

describe("times", () => {
  const before = process.env.TZ;
  beforeEach(() => {
    process.env.TZ = "America/St_Johns";
  });
  afterEach(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });

  test("are local and name their zone", () => {
    assert.equal(formatTime(new Date("2026-11-23T00:00:05Z")), "2026-11-22 20:30:05 -03:30");
    assert.equal(formatTime(new Date("2026-07-01T00:00:00Z")), "2026-06-30 21:30:00 -02:30");
  });

  test("tell how far away they are", () => {
    const now = Date.parse("2026-11-23T00:00:00Z");
    assert.equal(formatTimeFromNow(new Date(now + 90_000), now), "2026-11-22 20:31:30 -03:30 (in 1m 30s)");
    assert.equal(formatTimeFromNow(new Date(now - 3_600_000), now), "2026-11-22 19:30:00 -03:30 (1h ago)");
  });

  test("spans have two units at most", () => {
    const spans = [0, 999, 1000, 61_000, 3_600_000, 90_061_000, 86_400_000 * 400];
    assert.deepEqual(spans.map(formatSpan), ["0s", "0s", "1s", "1m 1s", "1h", "1d 1h", "400d"]);
  });
});

describe("text", () => {
  const WIDTHS: readonly (readonly [text: string, columns: number])[] = [
    ["alice", 5],
    ["Žofie", 5],
    ["e\u0301", 1],
    ["李小龍", 6],
    ["ｶﾅ", 2],
    ["한국", 4],
    ["👍", 2],
    ["👩‍👩‍👧", 2],
    ["🇨🇿", 2],
    ["❤️", 2],
    ["▄▀", 2],
    ["", 0],
  ];
  for (const [text, columns] of WIDTHS) test(`"${text}" takes ${columns} columns`, () => assert.equal(textWidth(text), columns));

  test("is cut where it does not fit, never inside a character", () => {
    assert.equal(fitText("alice", 5), "alice");
    assert.equal(fitText("alice", 4), "ali…");
    assert.equal(fitText("李小龍", 5), "李小…");
    assert.equal(fitText("李小龍", 4), "李…");
    assert.equal(fitText("alice", 1), "…");
    assert.equal(fitText("alice", 0), "");
  });

  test("loses what a terminal would obey", () => {
    assert.equal(printable("a\u001b[31mb\nc\u202ed\u0007\u009b"), "a\ufffd[31mb\ufffdc\ufffdd\ufffd\ufffd");
    assert.equal(printable("李 👩‍👩‍👧 Ž"), "李 👩‍👩‍👧 Ž");
    assert.equal(printable("\ud800"), "\ufffd");
  });
});

describe("tables", () => {
  test("columns are as wide as their widest cell, whatever its characters", () => {
    const lines = tableLines(
      [{ title: "NAME" }, { title: "N", align: "right" }, { title: "STATE" }],
      [
        ["李小龍", "1", "on"],
        ["bo", "1000", "off"],
      ],
    );
    assert.deepEqual(lines, ["NAME       N  STATE", "李小龍     1  on", "bo      1000  off"]);
  });

  test("cells cannot send escape sequences, and missing ones are empty", () => {
    assert.deepEqual(tableLines([{ title: "A" }, { title: "B" }], [["\u001b[2J"]]), ["A     B", "\ufffd[2J"]);
  });

  test("pairs leave out what is not there", () => {
    assert.deepEqual(
      pairLines([
        ["id", "alice"],
        ["expires", undefined],
        ["state", "on"],
      ]),
      ["id     alice", "state  on"],
    );
    assert.deepEqual(pairLines([]), []);
  });
});

describe("documents", () => {
  const document = { time: new Date("2026-11-23T00:00:00Z"), bytes: 2n ** 64n - 1n, rate: 1.5, none: null, list: ["a", 1n], yes: true };

  test("JSON keeps every digit of a byte count", () => {
    assert.equal(
      toJson(document, 0),
      '{"time":"2026-11-23T00:00:00.000Z","bytes":18446744073709551615,"rate":1.5,"none":null,"list":["a",1],"yes":true}',
    );
  });

  test("YAML says the same, with times as text", () => {
    assert.equal(
      toYaml(document),
      "time: 2026-11-23T00:00:00.000Z\nbytes: 18446744073709551615\nrate: 1.5\nnone: null\nlist:\n  - a\n  - 1\nyes: true\n",
    );
  });
});
