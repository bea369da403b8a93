import assert from "node:assert/strict";
import { test } from "node:test";
import { budgetsOf } from "../budgets.ts";
import type { Figures } from "../measure/figures.ts";
import type { Scenario } from "../scenario.ts";
import { judge } from "../verdict.ts";
import { type BenchReport, ratioOf, reportJson } from "./bench-report.ts";
import { descriptorLimitOf } from "./machine.ts";
import { reportMarkdown } from "./markdown.ts";
import { positionOf, reportPlot } from "./plot.ts";
import { textTable } from "./text-table.ts";

const WHO = { ours: "shadowfleet", reference: "shadowsocks-libev" };
const SCENARIO: Scenario = { kind: "bulk", method: "aes-256-gcm", direction: "down", connections: 1 };
const BUDGETS = budgetsOf("pure").filter(({ kind, method }) => kind === "bulk" && method === "aes-256-gcm");
const THROUGHPUT = BUDGETS.find(({ figures }) => figures.includes("throughput"))!;

function bulkRound(throughput: number, cpu: number, generatorCpuPercent = 10): Figures {
  return {
    throughput,
    localCpuPerGib: cpu,
    serverCpuPerGib: cpu,
    localRssMib: 60,
    serverRssMib: 50,
    generatorCpuPercent,
    targetCpuPercent: 5,
  };
}

function reportOf(ours: readonly Figures[], theirs: readonly Figures[]): BenchReport {
  const rounds = new Map([
    [WHO.ours, ours],
    [WHO.reference, theirs],
  ]);
  const results = [{ scenario: SCENARIO, rounds, error: undefined, tookSeconds: 12 }];
  return {
    startedAt: new Date("2026-11-23T12:34:56Z"),
    tookSeconds: 12,
    machine: { cpu: "a <CPU>", cores: 2, memoryGib: 8, kernel: "6.1", loadBefore: 0.1, maxDescriptors: 20_000 },
    sides: [
      { name: WHO.ours, version: "Shadowfleet" },
      { name: WHO.reference, version: "shadowsocks-libev 3.3.5" },
    ],
    timing: { warmUpMs: 1_000, connectionsWarmUpMs: 1_000, rampMs: 100, windowMs: 1_000, rounds: 2, idleRounds: 1, settleMs: 0 },
    results,
    verdicts: judge(BUDGETS, results, WHO),
  };
}

const GOOD = reportOf([bulkRound(900, 0.8), bulkRound(1_100, 0.8)], [bulkRound(500, 1), bulkRound(500, 1)]);
const BAD = reportOf([bulkRound(100, 3, 95)], [bulkRound(500, 1)]);

test("the report holds medians, ratios with their spread, and the budgets", () => {
  const text = reportMarkdown(GOOD);
  assert.match(text, /^# Benchmark of 2026-11-23 12:34 UTC/);
  assert.match(text, / shadowfleet \|\s+1000 \|\s+0\.80 \|/);
  assert.match(text, /\| to shadowsocks-libev \|\s+2\.00 \(1\.80–2\.20\) \|\s+0\.80 \(0\.80–0\.80\) \|/);
  assert.match(text, new RegExp(`bulk throughput .*\\| ≥ ${THROUGHPUT.limit} × \\|\\s+ok \\|`));
  assert.doesNotMatch(text, /MISSED|## Notes/);
});

test("missed budgets and a busy generator are named", () => {
  const text = reportMarkdown(BAD);
  assert.match(text, new RegExp(`bulk throughput .*LOST \\(at least ${THROUGHPUT.floor}\\)`));
  assert.match(text, /generator CPU % is 95: the bench itself may be the limit/);
});

test("a broken scenario takes one row and says why", () => {
  const [result] = GOOD.results;
  const text = reportMarkdown({ ...GOOD, results: [{ ...result!, rounds: new Map(), error: "round 1: it broke\nwith details" }] });
  assert.match(text, /\| bulk down ×1 aes-256-gcm \| broken: round 1: it broke \|/);
});

test("rows of a table line up", () => {
  const lines = textTable(
    ["a", "µs"],
    [
      ["long cell", "1"],
      ["×", "10000"],
    ],
  ).split("\n");
  assert.equal(new Set(lines.map((line) => [...line].length)).size, 1);
  assert.equal(lines[1], "| --------- | ----: |");
});

test("the plot puts better on the right, whichever way a figure goes, and marks misses", () => {
  const good = reportPlot(GOOD, WHO);
  assert.match(good, />2\.00<\/text>/);
  assert.match(good, />1\.25<\/text>/);
  assert.doesNotMatch(good, /#c0392b/);
  const bad = reportPlot(BAD, WHO);
  assert.match(bad, />0\.20<\/text>/);
  assert.match(bad, />0\.33<\/text>/);
  assert.match(bad, /#c0392b/);
});

test("the axis is logarithmic, and what is beyond it stays at its end", () => {
  assert.ok(Math.abs(positionOf(2) - positionOf(1) - (positionOf(1) - positionOf(0.5))) < 0.2);
  assert.equal(positionOf(1_000), positionOf(8));
  assert.equal(positionOf(0.0001), positionOf(0.125));
});

test("the JSON keeps every round and every verdict", () => {
  const parsed = JSON.parse(reportJson(GOOD));
  assert.deepEqual(
    parsed.results[0].rounds.shadowfleet.map(({ throughput }: Figures) => throughput),
    [900, 1_100],
  );
  assert.equal(parsed.verdicts.length, GOOD.verdicts.length);
  assert.equal(parsed.verdicts[0].budget.limit, 0.85);
});

test("no ratio is made of zeros or of missing rounds", () => {
  const [result] = reportOf([{ lostPercent: 1 }], [{ lostPercent: 0 }]).results;
  assert.equal(ratioOf(result!, WHO.ours, WHO.reference, "lostPercent"), undefined);
  assert.equal(ratioOf(result!, WHO.ours, WHO.reference, "throughput"), undefined);
});

test("the descriptor limit is the hard one", () => {
  const limits =
    "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 20000                files\n";
  assert.equal(descriptorLimitOf(limits), 20_000);
  assert.equal(descriptorLimitOf(limits.replace("20000", "unlimited")), Number.MAX_SAFE_INTEGER);
  assert.throws(() => descriptorLimitOf(""), /no limit/);
});
