import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadOutcome } from "../generator/load-run.ts";
import { idleFigures } from "./idle-scenario.ts";
import { figuresOf } from "./measurement.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

function outcome(result: Record<string, number>): LoadOutcome {
  return {
    result: { seconds: 2, cpuSeconds: 0.5, ...result },
    local: { cpuShare: 0.8, rssBytes: 60 * MIB },
    server: { cpuShare: 0.4, rssBytes: 50 * MIB },
    target: { cpuShare: 0.1, rssBytes: MIB },
  };
}

test("bulk: bytes per second, and each hop's CPU time per GiB", () => {
  const figures = figuresOf("bulk", outcome({ bytes: 2 * GIB }));
  assert.equal(figures.throughput, 1024);
  assert.equal(figures.localCpuPerGib, 0.8);
  assert.equal(figures.serverCpuPerGib, 0.4);
});

test("every kind tells memory, and what generator and target cost", () => {
  const { localRssMib, serverRssMib, generatorCpuPercent, targetCpuPercent } = figuresOf("bulk", outcome({ bytes: GIB }));
  assert.deepEqual([localRssMib, serverRssMib, generatorCpuPercent, targetCpuPercent], [60, 50, 25, 10]);
});

test("short connections: per second, per CPU second of each hop, and those that failed", () => {
  const figures = figuresOf("connections", outcome({ connections: 8_000, failed: 3 }));
  assert.equal(figures.connectionRate, 4_000);
  assert.equal(figures.localConnectionsPerCpuSecond, 5_000);
  assert.equal(figures.serverConnectionsPerCpuSecond, 10_000);
  assert.equal(figures.failures, 3);
});

test("latency: the generator's percentiles, and CPU time per request", () => {
  const figures = figuresOf("latency", outcome({ exchanges: 4_000, p50Us: 100, p99Us: 200, p999Us: 300, unanswered: 1 }));
  assert.deepEqual([figures.p50Us, figures.p99Us, figures.p999Us, figures.failures], [100, 200, 300, 1]);
  assert.ok(Math.abs(figures.localCpuPerExchangeUs! - 400) < 1e-9);
});

test("datagrams: rate, per CPU second, share lost", () => {
  const figures = figuresOf("udp", outcome({ packets: 30_000, lost: 10_000 }));
  assert.deepEqual([figures.packetRate, figures.localPacketsPerCpuSecond, figures.lostPercent], [15_000, 18_750, 25]);
});

test("a run that moved nothing, or a proxy that did nothing, is a broken bench", () => {
  assert.throws(() => figuresOf("bulk", outcome({ bytes: 0 })), /no bytes/);
  assert.throws(() => figuresOf("bulk", outcome({})), /no bytes/);
  const still = { ...outcome({ connections: 10 }), local: { cpuShare: 0, rssBytes: 1 } };
  assert.throws(() => figuresOf("connections", still), /no CPU time/);
});

test("idle: what the held connections added, per connection", () => {
  const base = { localBytes: 50 * MIB, serverBytes: 40 * MIB };
  const last = { localBytes: 60 * MIB, serverBytes: 60 * MIB };
  const figures = idleFigures(base, last, 1024, 2);
  assert.deepEqual(
    [figures.localKibPerConnection, figures.serverKibPerConnection, figures.localBaseMib, figures.serverRssMib, figures.failures],
    [10, 20, 50, 60, 2],
  );
});
