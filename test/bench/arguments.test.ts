import assert from "node:assert/strict";
import { test } from "node:test";
import { type BenchRequest, parseRequest } from "./arguments.ts";
import { estimateSeconds } from "./duration.ts";
import { METHODS, planOf } from "./plan.ts";
import { KINDS } from "./scenario.ts";
import { FULL_TIMING, QUICK_TIMING } from "./timing.ts";

function requestOf(...argv: string[]): BenchRequest {
  const parsed = parseRequest(argv);
  assert.ok(parsed.ok && parsed.request !== "help", parsed.ok ? "help" : parsed.reason);
  return parsed.request;
}

function reasonOf(...argv: string[]): string {
  const parsed = parseRequest(argv);
  assert.ok(!parsed.ok);
  return parsed.reason;
}

test("without flags everything is measured with full timing", () => {
  const request = requestOf();
  assert.deepEqual([request.quick, request.isNarrowed, request.kinds, request.methods], [false, false, KINDS, METHODS]);
  assert.deepEqual(request.timing, FULL_TIMING);
});

test("flags narrow down and change times", () => {
  const request = requestOf("--quick", "--only", "udp, bulk", "--methods", "aes-128-gcm", "--seconds", "0.5", "--rounds", "2");
  assert.deepEqual([request.quick, request.isNarrowed, request.kinds, request.methods], [true, true, ["udp", "bulk"], ["aes-128-gcm"]]);
  assert.deepEqual(request.timing, { ...QUICK_TIMING, windowMs: 500, rounds: 2 });
});

test("a quick run compares with the reference only, unless told otherwise", () => {
  assert.deepEqual(requestOf("--quick").sides, ["shadowfleet", "shadowsocks-libev"]);
  assert.deepEqual(requestOf("--quick", "--sides", "shadowfleet").sides, ["shadowfleet"]);
  assert.deepEqual(requestOf().sides, ["shadowfleet", "shadowsocks-libev", "shadowsocks-rust", "shadowfleet-pure"]);
});

test("what it does not understand is refused", () => {
  assert.match(reasonOf("--quik"), /--quik/);
  assert.match(reasonOf("bulk"), /bulk/);
  assert.match(reasonOf("--only", "bulk,fast"), /--only: "fast" is none of bulk/);
  assert.match(reasonOf("--methods", "rc4-md5"), /rc4-md5/);
  assert.match(reasonOf("--sides", "shadowsocks-libev"), /must name shadowfleet/);
  assert.match(reasonOf("--seconds", "0"), /from 0.2 to 30/);
  assert.match(reasonOf("--rounds", "1.5"), /whole number/);
  assert.match(reasonOf("--rounds", ""), /from 1 to 50/);
});

test("help is asked for by name", () => {
  assert.deepEqual(parseRequest(["--help"]), { ok: true, request: "help" });
});

test("a quick run fits into three minutes with time for second looks, and warms up for a second", () => {
  const scenarios = planOf({ quick: true, kinds: KINDS, methods: METHODS, maxHeld: 20_000 });
  assert.ok(estimateSeconds(scenarios, 2, QUICK_TIMING) < 150, `${estimateSeconds(scenarios, 2, QUICK_TIMING)} s`);
  assert.ok(Math.min(QUICK_TIMING.warmUpMs, FULL_TIMING.warmUpMs) >= 1_000);
});
