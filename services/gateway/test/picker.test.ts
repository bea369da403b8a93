import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MAX_FAIL_COUNT, MemoryFailCounts } from "@shadowfleet/store";
import { PseudoRandom } from "@shadowfleet/testkit";
import { ClassicPolicy } from "../src/upstream/classic-policy.ts";
import { explainPick } from "../src/upstream/explain.ts";
import { LatencyPolicy } from "../src/upstream/latency-policy.ts";
import type { Picker } from "../src/upstream/picker.ts";
import { createPicker, POLICIES } from "../src/upstream/policy.ts";
import { RoundRobinPolicy } from "../src/upstream/round-robin-policy.ts";
import { namedUpstreams } from "./upstreams.ts";

const DRAWS = 20_000;

function seededRandom(seed: number): () => number {
  const source = new PseudoRandom(seed);
  return () => source.below(2 ** 31) / 2 ** 31;
}

const never = () => 0.999_999;
const always = () => 0;

function planned(picker: Picker): string[] {
  return [...picker.plan()].map(({ id }) => id);
}

function failing(counts: Record<string, number>): MemoryFailCounts {
  const failCounts = new MemoryFailCounts();
  for (const [id, count] of Object.entries(counts)) for (let n = 0; n < count; n++) failCounts.fail(id);
  return failCounts;
}

/** |share - p| within 4 standard errors of a proportion. */
function assertShare(hits: number, probability: number, what: string): void {
  const standardError = Math.sqrt((probability * (1 - probability)) / DRAWS);
  const share = hits / DRAWS;
  assert.ok(Math.abs(share - probability) <= 4 * standardError, `${what}: share ${share}, expected ${probability} ± ${4 * standardError}`);
}

describe("classic policy", () => {
  test("without failures the configured order holds and nothing is drawn", () => {
    const picker = new ClassicPolicy(namedUpstreams("a", "b", "c"), new MemoryFailCounts(), () => assert.fail("drew a number"));
    assert.deepEqual(planned(picker), ["a", "b", "c"]);
  });

  for (const failCount of [1, 5, 30]) {
    test(`failCnt ${failCount}: first-pass tries over ${DRAWS} draws are 1/${failCount + 20} of all, within 4 standard errors`, () => {
      const picker = new ClassicPolicy(namedUpstreams("a", "b"), failing({ a: failCount }), seededRandom(failCount));
      let firstPass = 0;
      for (let n = 0; n < DRAWS; n++) {
        const [first] = planned(picker);
        if (first === "a") firstPass++;
      }
      assertShare(firstPass, 1 / (failCount + 20), `failCnt ${failCount}`);
    });
  }

  test("the draw is rand.Intn(failCnt + 20) == 0: the edge of the first slot passes, the next does not", () => {
    const upstreams = namedUpstreams("a", "b");
    const at = (value: number) => planned(new ClassicPolicy(upstreams, failing({ a: 1 }), () => value));
    assert.deepEqual(at(1 / 21 - 1e-9), ["a", "b"]);
    assert.deepEqual(at(1 / 21 + 1e-9), ["b", "a"]);
  });

  test("skipped upstreams are the last resort, in configured order, each once", () => {
    const failCounts = failing({ a: 3, b: 1, d: 30 });
    assert.deepEqual(planned(new ClassicPolicy(namedUpstreams("a", "b", "c", "d"), failCounts, never)), ["c", "a", "b", "d"]);
    assert.deepEqual(planned(new ClassicPolicy(namedUpstreams("a", "b", "c", "d"), failCounts, always)), ["a", "b", "c", "d"]);
  });

  test("every plan names every upstream exactly once", () => {
    const random = seededRandom(7);
    const picker = new ClassicPolicy(namedUpstreams("a", "b", "c", "d", "e"), failing({ a: 1, c: 12, d: 30 }), random);
    for (let n = 0; n < 500; n++) assert.deepEqual(planned(picker).toSorted(), ["a", "b", "c", "d", "e"]);
  });

  test("a single upstream is never blocked", () => {
    const picker = new ClassicPolicy(namedUpstreams("only"), failing({ only: 30 }), never);
    for (let n = 0; n < 100; n++) assert.deepEqual(planned(picker), ["only"]);
  });

  test("failCnt rises by one a failure up to 30 and one success clears it", () => {
    const failCounts = new MemoryFailCounts();
    const upstreams = namedUpstreams("a");
    const picker = new ClassicPolicy(upstreams, failCounts, never);
    for (let n = 1; n <= 40; n++) {
      picker.report(upstreams[0]!, "DIAL_REFUSED");
      assert.equal(failCounts.get("a"), Math.min(n, MAX_FAIL_COUNT));
    }
    picker.report(upstreams[0]!, "OK");
    assert.equal(failCounts.get("a"), 0);
  });

  test("an upstream is judged when its turn comes, not when the plan is made", () => {
    const failCounts = new MemoryFailCounts();
    const plan = new ClassicPolicy(namedUpstreams("a", "b", "c"), failCounts, never).plan()[Symbol.iterator]();
    assert.equal(plan.next().value?.id, "a");
    failCounts.fail("b");
    assert.equal(plan.next().value?.id, "c");
    assert.equal(plan.next().value?.id, "b");
    assert.equal(plan.next().done, true);
  });
});

describe("round-robin policy", () => {
  test("each plan begins one further, and failing upstreams fall behind", () => {
    const failCounts = new MemoryFailCounts();
    const picker = new RoundRobinPolicy(namedUpstreams("a", "b", "c"), failCounts, never);
    assert.deepEqual([planned(picker), planned(picker), planned(picker), planned(picker)].map(String), [
      "a,b,c",
      "b,c,a",
      "c,a,b",
      "a,b,c",
    ]);
    failCounts.fail("b");
    assert.deepEqual(planned(picker), ["c", "a", "b"]);
  });
});

describe("latency policy", () => {
  test("the quickest dial comes first, unknown ones before it, failing ones last by failCnt", () => {
    const upstreams = namedUpstreams("slow", "quick", "new", "bad", "worse");
    const [slow, quick] = upstreams;
    const picker = new LatencyPolicy(upstreams, failing({ bad: 1, worse: 2 }), never, new Map());
    picker.report(slow!, "OK", 200);
    picker.report(quick!, "OK", 20);
    assert.deepEqual(planned(picker), ["new", "quick", "slow", "bad", "worse"]);
  });

  test("the average follows, and only successful dials count", () => {
    const upstreams = namedUpstreams("a", "b");
    const latencies = new Map<string, number>();
    const picker = new LatencyPolicy(upstreams, new MemoryFailCounts(), never, latencies);
    picker.report(upstreams[0]!, "OK", 100);
    picker.report(upstreams[0]!, "OK", 200);
    assert.equal(latencies.get("a"), 120);
    picker.report(upstreams[0]!, "DIAL_TIMEOUT", 5000);
    assert.equal(latencies.get("a"), 120);
    for (let n = 0; n < 60; n++) picker.report(upstreams[0]!, "OK", 10);
    assert.ok(Math.abs(latencies.get("a")! - 10) < 0.01);
  });

  test("about one request in twenty explores, and reaches failing upstreams too", () => {
    const upstreams = namedUpstreams("a", "b");
    const picker = new LatencyPolicy(upstreams, failing({ b: 30 }), seededRandom(3), new Map());
    let exploredB = 0;
    for (let n = 0; n < DRAWS; n++) if (planned(picker)[0] === "b") exploredB++;
    assertShare(exploredB, 1 / 40, "b drawn first");
  });
});

test("every policy names every upstream once and copes with none", () => {
  const memory = { failCounts: failing({ b: 4 }), latencies: new Map([["a", 5]]) };
  for (const policy of POLICIES) {
    const picker = createPicker(policy, namedUpstreams("a", "b", "c"), memory, seededRandom(11));
    for (let n = 0; n < 200; n++) assert.deepEqual(planned(picker).toSorted(), ["a", "b", "c"], policy);
    assert.deepEqual(planned(createPicker(policy, [], memory, always)), [], policy);
  }
});

test("explainPick tells failCnt and both probabilities, which agree with 20,000 plans", () => {
  const upstreams = namedUpstreams("a", "b", "c");
  const failCounts = failing({ a: 30, b: 5 });
  const explained = explainPick(upstreams, failCounts);
  assert.deepEqual(
    explained.map(({ upstreamId, failCount, passProbability }) => [upstreamId, failCount, passProbability]),
    [
      ["a", 30, 1 / 50],
      ["b", 5, 1 / 25],
      ["c", 0, 1],
    ],
  );
  const picker = new ClassicPolicy(upstreams, failCounts, seededRandom(5));
  const first = new Map<string, number>();
  for (let n = 0; n < DRAWS; n++) {
    const id = planned(picker)[0]!;
    first.set(id, (first.get(id) ?? 0) + 1);
  }
  for (const { upstreamId, firstProbability } of explained) assertShare(first.get(upstreamId) ?? 0, firstProbability, upstreamId);
  const [alone] = explainPick(namedUpstreams("x"), failing({ x: 30 }));
  assert.equal(alone?.firstProbability, 1, "a single upstream is always first");
});
