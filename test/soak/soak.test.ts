import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { redisMissingReason } from "@shadowfleet/testkit";
import { judge, type Point, type Series, slopeOf } from "./series.ts";
import { LEAKING, soak } from "./soak.ts";

const reason = redisMissingReason();
/** Too short for memory to say anything; what is left open says it at once. */
const PLAN = {
  warmUpS: 1,
  rampS: 0,
  lastsS: 4,
  sampleEveryS: 0.5,
  faults: ["redis-answers-lost"],
  faultEveryS: 1,
  quietS: 5,
  method: "aes-128-gcm",
};

describe("nothing is left behind", reason === undefined ? { timeout: 200_000 } : { skip: reason }, () => {
  test("connections, UDP sessions, keys and ports come and go, and nothing stays; what a leaking process keeps is seen", async (t) => {
    const { verdicts, left, done, failed, faults } = await soak(PLAN);
    t.diagnostic([...done].map(([what, count]) => `${count} ${what} (${failed.get(what)} failed)`).join(", "));
    t.diagnostic(left.map(({ part, figure, count }) => `${part}: ${count} more ${figure}`).join(", "));
    assert.deepEqual(
      left.filter(({ part }) => part !== LEAKING),
      [],
    );
    assert.deepEqual(left.map(({ figure }) => figure).toSorted(), ["descriptors", "timers"]);
    const leaking = verdicts.filter(({ series, isFlat }) => series.part === LEAKING && !isFlat).map(({ series }) => series.figure);
    for (const figure of ["descriptors", "timers"] as const) assert.ok(leaking.includes(figure), `${figure} counts as flat`);
    assert.ok(
      [...done.values()].every((count) => count > 0),
      "something was not done at all",
    );
    assert.ok(faults > 0, "nothing failed");
  });
});

describe("a line through points", () => {
  const points = (valueAt: (second: number) => number): Point[] =>
    Array.from({ length: 120 }, (_, seconds) => ({ seconds, value: valueAt(seconds) }));
  const series = (figure: Series["figure"], valueAt: (second: number) => number): Series => ({
    part: "x",
    figure,
    points: points(valueAt),
  });

  test("its slope", () => {
    assert.equal(slopeOf(points((second) => 3 + 2 * second)), 2);
    assert.equal(slopeOf(points(() => 7)), 0);
    assert.throws(() => slopeOf(points(() => 7).slice(0, 1)), RangeError);
  });

  test("saw teeth of collected garbage are flat, a floor that rises under them is not", () => {
    const teeth = (second: number): number => (second % 10) * 2_000_000;
    assert.equal(judge(series("heap", teeth)).isFlat, true);
    assert.equal(judge(series("heap", (second) => teeth(second) + second * 300_000)).isFlat, false);
  });

  test("descriptors: a few that come and go are flat, one every ten seconds is not", () => {
    assert.equal(judge(series("descriptors", (second) => 20 + (second % 3))).isFlat, true);
    assert.equal(judge(series("descriptors", (second) => 20 + Math.floor(second / 10))).isFlat, false);
  });
});
