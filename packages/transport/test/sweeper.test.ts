import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock } from "@shadowfleet/runtime";
import { NOWHERE } from "../src/places.ts";
import { Sweeper } from "../src/sweeper.ts";

test("a sweep tells every member the time; members may leave during it", () => {
  const clock = new ManualClock(1_000);
  const sweeper = new Sweeper(clock);
  const told: string[] = [];
  const leaving = {
    sweepPlace: NOWHERE,
    sweep: (nowMs: number): void => {
      told.push(`leaving ${nowMs}`);
      sweeper.delete(leaving);
    },
  };
  const staying = { sweepPlace: NOWHERE, sweep: (nowMs: number): void => void told.push(`staying ${nowMs}`) };
  sweeper.add(leaving);
  sweeper.add(staying);
  sweeper.sweep();
  clock.advance(500);
  sweeper.sweep();
  assert.deepEqual(told, ["leaving 1000", "staying 1000", "staying 1500"]);
  assert.equal(sweeper.size, 1);
  sweeper.delete(staying);
  assert.equal(sweeper.size, 0);
});

test("its timer runs once an interval, and only while there are members", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const sweeper = new Sweeper(new ManualClock(), 1_000);
  let sweeps = 0;
  const member = {
    sweepPlace: NOWHERE,
    sweep: (): void => {
      sweeps += 1;
    },
  };
  t.mock.timers.tick(5_000);
  sweeper.add(member);
  sweeper.add(member);
  t.mock.timers.tick(3_000);
  assert.equal(sweeps, 3);
  sweeper.delete(member);
  t.mock.timers.tick(5_000);
  assert.equal(sweeps, 3);
});

test("its timer keeps no process alive", () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const sweeper = new Sweeper();
  const member = { sweepPlace: NOWHERE, sweep: (): void => {} };
  sweeper.add(member);
  assert.equal(timers(), before);
  sweeper.delete(member);
});
