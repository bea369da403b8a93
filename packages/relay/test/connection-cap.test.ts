import assert from "node:assert/strict";
import { test } from "node:test";
import { automaticMaxConnections, automaticMaxStrangers, automaticMaxUdpSessions } from "../src/connection-cap.ts";

test("two descriptors a connection, some kept back, within sane bounds", () => {
  assert.equal(automaticMaxConnections(1024), 448);
  assert.equal(automaticMaxConnections(100), 64);
  assert.equal(automaticMaxConnections(20_128), 10_000);
  assert.equal(automaticMaxConnections(2 ** 30), 65_536);
  assert.equal(automaticMaxConnections(Number.POSITIVE_INFINITY), 65_536);
});

test("strangers never fill a port by themselves", () => {
  assert.deepEqual([448, 100, 1].map(automaticMaxStrangers), [224, 50, 1]);
  assert.equal(automaticMaxStrangers(65_536), 4096);
});

test("UDP sessions leave descriptors over", () => {
  assert.deepEqual([1024, 100, 2 ** 20].map(automaticMaxUdpSessions), [448, 64, 16_384]);
});
