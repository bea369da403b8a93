import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingMetrics } from "../src/recording-metrics.ts";

test("counters add up, by name and by attributes", () => {
  const metrics = new RecordingMetrics();
  metrics.add("shadowsocks.connections", 1, { "network.transport": "tcp", outcome: "OK" });
  metrics.add("shadowsocks.connections", 2, { "network.transport": "tcp", outcome: "DNS_FAILED" });
  metrics.add("shadowsocks.listener.pauses", 4);
  assert.equal(metrics.total("shadowsocks.connections"), 3);
  assert.equal(metrics.total("shadowsocks.connections", { outcome: "DNS_FAILED" }), 2);
  assert.equal(metrics.total("shadowsocks.connections", { outcome: "REPLAYED" }), 0);
  assert.equal(metrics.total("shadowsocks.listener.pauses"), 4);
  assert.equal(metrics.measurements.length, 3);
});

test("bound series record as the calls with attributes do", () => {
  const metrics = new RecordingMetrics();
  const dials = metrics.histogram("shadowsocks.dial.duration.seconds", { "error.type": "OK" });
  const pauses = metrics.counter("shadowsocks.listener.pauses");
  assert.deepEqual(metrics.measurements, []);
  pauses.add(1);
  pauses.add(2);
  dials.record(0.5);
  assert.equal(metrics.total("shadowsocks.listener.pauses"), 3);
  assert.deepEqual(metrics.recorded("shadowsocks.dial.duration.seconds", { "error.type": "OK" }), [0.5]);
  assert.throws(() => metrics.counter("shadowsocks.listener.pauses", { client: "192.0.2.1" }), /no attribute "client"/);
});

test("histograms keep their values", () => {
  const metrics = new RecordingMetrics();
  metrics.record("shadowsocks.dial.duration.seconds", 0.5, { "error.type": "OK" });
  metrics.record("shadowsocks.dial.duration.seconds", 2, { "error.type": "DIAL_TIMEOUT" });
  assert.deepEqual(metrics.recorded("shadowsocks.dial.duration.seconds"), [0.5, 2]);
  assert.deepEqual(metrics.recorded("shadowsocks.dial.duration.seconds", { "error.type": "OK" }), [0.5]);
  assert.deepEqual(metrics.recorded("shadowsocks.handshake.duration.seconds"), []);
});

test("observed metrics are read when asked, summed over readers, and gone when taken away", async () => {
  const metrics = new RecordingMetrics();
  let sessions = 1;
  const forget = metrics.observe("shadowsocks.udp.sessions.active", () => [{ value: sessions }]);
  metrics.observe("shadowsocks.udp.sessions.active", () => [{ value: 10 }]);
  assert.equal(metrics.observed("shadowsocks.udp.sessions.active"), 11);
  sessions = 5;
  assert.equal(metrics.observed("shadowsocks.udp.sessions.active"), 15);
  assert.equal(await metrics.scrape(), "shadowsocks.udp.sessions.active{} 5\nshadowsocks.udp.sessions.active{} 10\n");
  forget();
  assert.equal(metrics.observed("shadowsocks.udp.sessions.active"), 10);
  assert.equal(metrics.observed("shadowsocks.udp.sessions.active", { "network.transport": "tcp" }), undefined);
  assert.equal(await metrics.scrape(), "shadowsocks.udp.sessions.active{} 10\n");
  assert.equal(metrics.observed("fleet.keys.active"), undefined);
  assert.equal(metrics.isShutDown, false);
  await metrics.shutdown();
  assert.equal(metrics.isShutDown, true);
});

test("an observed counter keeps the last reading of a reader that went away", () => {
  const metrics = new RecordingMetrics();
  let bytes = 7;
  const forget = metrics.observe("shadowsocks.relay.bytes", () => [{ value: bytes, attributes: { "network.io.direction": "up" } }]);
  forget();
  forget();
  bytes = 100;
  assert.equal(metrics.observed("shadowsocks.relay.bytes", { "network.io.direction": "up" }), 7);
});

test("attributes the registry does not list throw, as with the real metrics", () => {
  const metrics = new RecordingMetrics();
  assert.throws(() => metrics.add("shadowsocks.listener.pauses", 1, { client: "192.0.2.1" }), /no attribute "client"/);
  assert.throws(() => metrics.record("shadowsocks.dial.duration.seconds", 1, { target: "example.com" }), TypeError);
  metrics.observe("fleet.keys.active", () => [{ value: 1, attributes: { key: "alice" } }]);
  assert.throws(() => metrics.observed("fleet.keys.active"), TypeError);
  assert.deepEqual(metrics.measurements, []);
});
