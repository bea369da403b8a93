import assert from "node:assert/strict";
import { test } from "node:test";
import { type Budget, budgetsOf } from "./budgets.ts";
import { demandedBudgets } from "./gate.ts";
import type { Figures } from "./measure/figures.ts";
import { METHODS, planOf } from "./plan.ts";
import { KINDS, type Scenario } from "./scenario.ts";
import { mergeLooks, worthSecondLook } from "./second-look.ts";
import type { ScenarioResult } from "./suite.ts";
import { describeVerdict, judge } from "./verdict.ts";

const WHO = { ours: "a", reference: "b" };
const SCENARIO: Scenario = { kind: "bulk", method: "aes-256-gcm", direction: "down", connections: 1 };
const ATMOST: Budget = {
  name: "CPU per GiB",
  kind: "bulk",
  method: "aes-256-gcm",
  appliesTo: ({ kind }) => kind === "bulk",
  figures: ["localCpuPerGib"],
  judge: "ratio",
  bound: "at most",
  limit: 0.85,
  floor: 1,
};
const ATLEAST: Budget = { ...ATMOST, figures: ["throughput"], bound: "at least", limit: 1.25, floor: 1 };

function resultOf(ours: readonly Figures[], theirs: readonly Figures[], error?: string): ScenarioResult {
  return {
    scenario: SCENARIO,
    rounds: new Map([
      ["a", ours],
      ["b", theirs],
    ]),
    error,
    tookSeconds: 10,
  };
}

test("the median ratio is held against the limit, which itself is still good", () => {
  const theirs = [{ localCpuPerGib: 1 }, { localCpuPerGib: 2 }, { localCpuPerGib: 4 }];
  const met = resultOf([{ localCpuPerGib: 0.85 }, { localCpuPerGib: 1.7 }, { localCpuPerGib: 40 }], theirs);
  const missed = resultOf([{ localCpuPerGib: 0.86 }, { localCpuPerGib: 1.72 }, { localCpuPerGib: 0.1 }], theirs);
  assert.equal(judge([ATMOST], [met], WHO)[0]?.isMet, true);
  assert.equal(judge([ATMOST], [missed], WHO)[0]?.isMet, false);
});

test("a lower bound is missed from below", () => {
  const verdictFor = (throughput: number) => judge([ATLEAST], [resultOf([{ throughput }], [{ throughput: 100 }])], WHO)[0]!;
  assert.equal(verdictFor(125).isMet, true);
  assert.equal(verdictFor(124).isMet, false);
  assert.equal(describeVerdict(verdictFor(124)), "a: bulk down ×1 aes-256-gcm, MiB/s: 1.24 of shadowsocks-libev, at least 1.25");
});

test("below its budget a figure is held as long as it keeps the floor, and no floor is stricter than its budget", () => {
  const verdictFor = (throughput: number) => judge([ATLEAST], [resultOf([{ throughput }], [{ throughput: 100 }])], WHO)[0]!;
  assert.deepEqual([verdictFor(124).isMet, verdictFor(124).isHeld], [false, true]);
  assert.deepEqual([verdictFor(99).isMet, verdictFor(99).isHeld], [false, false]);
  for (const { name, bound, limit, floor } of [...budgetsOf("native"), ...budgetsOf("pure")]) {
    assert.ok(bound === "at most" ? floor >= limit : floor <= limit, name);
  }
});

test("a budget on the worst round is missed by a single one", () => {
  const budget: Budget = { ...ATMOST, figures: ["failures"], judge: "worst", limit: 0, floor: 0 };
  const clean = resultOf([{ failures: 0 }, { failures: 0 }, { failures: 0 }], []);
  const once = resultOf([{ failures: 0 }, { failures: 1 }, { failures: 0 }], []);
  assert.equal(judge([budget], [clean], WHO)[0]?.isMet, true);
  assert.equal(judge([budget], [once], WHO)[0]?.isMet, false);
});

test("what was not measured is missed, and says why", () => {
  const reasonOf = (results: ScenarioResult[]) => {
    const [verdict] = judge([ATMOST], results, WHO);
    assert.equal(verdict?.isMet, false);
    return verdict?.reason;
  };
  assert.equal(reasonOf([]), "not measured");
  assert.equal(reasonOf([resultOf([], [])]), "no figure of a");
  assert.equal(reasonOf([resultOf([{ localCpuPerGib: 1 }], [])]), "no figure of b");
  assert.equal(reasonOf([resultOf([{ localCpuPerGib: 0.1 }], [{ localCpuPerGib: 1 }], "a proxy has ended")]), "a proxy has ended");
});

const EVERYTHING = { kinds: KINDS, methods: METHODS, maxHeld: 20_000 };

for (const quick of [true, false]) {
  test(`every budget finds its scenario in the ${quick ? "quick" : "full"} plan`, () => {
    const scenarios = planOf({ quick, ...EVERYTHING });
    for (const { name, appliesTo } of [...budgetsOf("native"), ...budgetsOf("pure")]) assert.ok(scenarios.some(appliesTo), name);
  });
}

test("a narrowed run answers for what it measures, a whole one for everything, one without reference for no ratio", () => {
  const onlyUdp = planOf({ quick: true, ...EVERYTHING, kinds: ["udp"] });
  assert.deepEqual(new Set(demandedBudgets("pure", onlyUdp, true, true).map(({ kind }) => kind)), new Set(["udp"]));
  assert.equal(demandedBudgets("pure", onlyUdp, false, true).length, budgetsOf("pure").length);
  assert.ok(demandedBudgets("pure", onlyUdp, false, false).every(({ judge: how }) => how !== "ratio"));
});

test("held connections are cut to what the descriptor limit allows", () => {
  const [idle] = planOf({ quick: false, kinds: ["idle"], methods: METHODS, maxHeld: 4_000 });
  assert.deepEqual(idle?.kind === "idle" && idle.steps, [1_000, 4_000]);
});

test("a miss gets a second look while there is time, a fault does not", () => {
  const miss = resultOf([{ localCpuPerGib: 2 }], [{ localCpuPerGib: 1 }]);
  const verdicts = judge([ATMOST], [miss], WHO);
  assert.deepEqual(worthSecondLook(verdicts, [miss], 60), [SCENARIO]);
  assert.deepEqual(worthSecondLook(verdicts, [miss], 12), []);
  const fault = resultOf([], [], "a connection ended early");
  assert.deepEqual(worthSecondLook(judge([ATMOST], [fault], WHO), [fault], 60), []);
  const fine = resultOf([{ localCpuPerGib: 0.5 }], [{ localCpuPerGib: 1 }]);
  assert.deepEqual(worthSecondLook(judge([ATMOST], [fine], WHO), [fine], 60), []);
});

test("all rounds of both looks count", () => {
  const first = resultOf([{ localCpuPerGib: 2 }], [{ localCpuPerGib: 1 }]);
  const second = resultOf([{ localCpuPerGib: 0.5 }, { localCpuPerGib: 0.5 }], [{ localCpuPerGib: 1 }, { localCpuPerGib: 1 }]);
  const [merged] = mergeLooks([first], [second]);
  assert.equal(merged?.rounds.get("a")?.length, 3);
  assert.equal(judge([ATMOST], [merged!], WHO)[0]?.isMet, true);
  assert.equal(mergeLooks([first], [{ ...second, error: "broke" }])[0]?.error, "broke");
});
