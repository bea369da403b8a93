import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { z } from "zod";
import { durationMs, hostPort, listenPort, parseDuration, parseSize, portNumber, sizeBytes } from "../src/index.ts";

function refusal(schema: z.ZodType, input: unknown): string {
  const result = schema.safeParse(input);
  assert.ok(!result.success, `accepted ${JSON.stringify(input)}`);
  return result.error.issues[0]!.message;
}

describe("parseDuration", () => {
  it("knows ms, s, m, h and d", () => {
    const table = {
      "250ms": 250,
      "5s": 5_000,
      "5m": 300_000,
      "1h": 3_600_000,
      "2d": 172_800_000,
      "0s": 0,
      "1.5s": 1_500,
      "1.1s": 1_100,
      " 5 s ": 5_000,
    };
    for (const [text, ms] of Object.entries(table)) assert.equal(parseDuration(text), ms, text);
  });

  it("refuses the rest with a hint", () => {
    assert.throws(() => parseDuration("30"), /has no unit: write "30s" if that is meant/);
    assert.throws(() => parseDuration("5min"), /unknown unit "min"/);
    assert.throws(() => parseDuration("5S"), /unknown unit "S"/);
    assert.throws(() => parseDuration("0.5ms"), /not a whole number of milliseconds/);
    assert.throws(() => parseDuration(`${"9".repeat(30)}d`), /too large/);
    for (const text of ["", "s", "-5s", "5s5s", "1e3s", "five seconds", "٣s", "0x10s"])
      assert.throws(() => parseDuration(text), RangeError, text);
  });

  it("is exact for every whole number of a unit", () => {
    for (const unit of ["ms", "s", "m", "h", "d"]) {
      for (let count = 0; count < 5_000; count++) assert.equal(parseDuration(`${count}${unit}`), count * parseDuration(`1${unit}`));
    }
  });
});

describe("parseSize", () => {
  it("knows decimal and binary units", () => {
    const table = {
      "512B": 512,
      "64KiB": 65_536,
      "1.5MiB": 1_572_864,
      "50GB": 50e9,
      "2TiB": 2 ** 41,
      "1kB": 1000,
      "1KB": 1000,
      "3TB": 3e12,
    };
    for (const [text, bytes] of Object.entries(table)) assert.equal(parseSize(text), bytes, text);
  });

  it("refuses the rest with a hint", () => {
    assert.throws(() => parseSize("1024"), /has no unit: write "1024B"/);
    for (const text of ["50gb", "1Kib", "20Mbit", "1.5B", "99999TiB", "-1B"]) assert.throws(() => parseSize(text), RangeError, text);
  });
});

describe("schemas", () => {
  it("durationMs refuses bare numbers unless they are declared seconds", () => {
    assert.equal(durationMs().parse("5m"), 300_000);
    assert.match(refusal(durationMs(), 30), /write "30s"/);
    assert.match(refusal(durationMs({ bareSeconds: true }), "30"), /write "30s"/);
    assert.equal(durationMs({ bareSeconds: true }).parse(30), 30_000);
    assert.equal(durationMs({ bareSeconds: true }).parse("90s"), 90_000);
  });

  it("durationMs keeps within its bounds and what a timer can count", () => {
    assert.match(refusal(durationMs({ minMs: 1000 }), "5ms"), /from 1000ms to/);
    assert.match(refusal(durationMs(), "25d"), /to 2147483647ms/);
    assert.equal(durationMs().parse("24d"), 2_073_600_000);
  });

  it("sizeBytes keeps within its bounds", () => {
    assert.equal(sizeBytes().parse("64KiB"), 65_536);
    assert.match(refusal(sizeBytes({ max: 1024 }), "1MB"), /from 0B to 1024B/);
    assert.match(refusal(sizeBytes(), 65_536), /write "65536B"/);
  });

  it("portNumber takes numbers and digits", () => {
    assert.equal(portNumber().parse(8388), 8388);
    assert.equal(portNumber().parse("8388"), 8388);
    for (const input of [0, 65_536, -1, 1.5, "0", "", "80a", "+80", "000080"])
      assert.match(refusal(portNumber(), input), /from 1 to 65535/);
    assert.equal(listenPort().parse(0), 0);
    assert.match(refusal(listenPort(), 65_536), /from 0 to 65535/);
  });

  it("hostPort takes names and addresses, IPv6 in brackets", () => {
    assert.deepEqual(hostPort().parse("relay.example:8388"), { host: "relay.example", port: 8388 });
    assert.deepEqual(hostPort().parse("[2001:db8::1]:443"), { host: "2001:db8::1", port: 443 });
    for (const input of ["relay.example", ":8388", "2001:db8::1:443", "host:0", "host:65536", "ho st:1", "[::1]", "http://host:1"]) {
      assert.match(refusal(hostPort(), input), /must be host:port/, input);
    }
  });
});
