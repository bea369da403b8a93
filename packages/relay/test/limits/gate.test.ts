import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock } from "@shadowfleet/runtime";
import { DirectionGate } from "../../src/limits/direction-gate.ts";
import { GateTimer } from "../../src/limits/gate-timer.ts";

const BYTES_PER_SECOND = 100_000;

class Budget {
  left = Number.POSITIVE_INFINITY;
  spent = 0;

  spend(bytes: number): void {
    this.spent += bytes;
    this.left -= bytes;
  }
}

function gateWith(clock = new ManualClock()) {
  const budget = new Budget();
  const told: string[] = [];
  const gate = new DirectionGate({
    clock,
    timer: new GateTimer(),
    budget,
    onPause: () => told.push("pause"),
    onSaturated: () => told.push("saturated"),
  });
  return { gate, budget, clock, told };
}

/** A flow that always has more. */
class Greedy {
  moved = 0;
  readonly #gate: DirectionGate;
  readonly #piece: number;

  constructor(gate: DirectionGate, piece: number) {
    this.#gate = gate;
    this.#piece = piece;
  }

  turn(): void {
    const bytes = this.#gate.allowance(this.#piece);
    this.moved += bytes;
    this.#gate.moved(bytes);
    this.#gate.wait(this);
  }

  leave(): void {
    this.#gate.leave(this);
  }
}

test("a gate without a rate lets everything pass that the budget holds", () => {
  const { gate, budget } = gateWith();
  assert.equal(gate.allowance(1_000_000), 1_000_000);
  budget.left = 10;
  assert.equal(gate.allowance(1_000_000), 10);
  assert.equal(gate.report(1), undefined);
});

test("many flows move the rate together, each as much, whatever the timer does", (t) => {
  const { gate, budget, clock } = gateWith();
  gate.limit(BYTES_PER_SECOND);
  gate.share(BYTES_PER_SECOND);
  const flows = Array.from({ length: 8 }, () => new Greedy(gate, 64 * 1024));
  t.after(() => flows.forEach((flow) => void flow.leave()));
  for (const flow of flows) gate.wait(flow);
  for (let second = 0; second < 10; second++) {
    for (const stepMs of [20, 20, 180, 60, 220, 500]) {
      clock.advance(stepMs);
      gate.serve();
    }
  }
  const expected = 10 * BYTES_PER_SECOND;
  assert.ok(Math.abs(budget.spent - expected) < expected / 100, `${budget.spent} of ${expected}`);
  for (const { moved } of flows) assert.ok(Math.abs(moved - expected / 8) < expected / 80, `${moved} of ${expected / 8}`);
});

test("what was read before it could be held back is a debt that is paid by waiting", (t) => {
  const { gate, clock } = gateWith();
  gate.limit(BYTES_PER_SECOND);
  gate.share(BYTES_PER_SECOND);
  gate.moved(2 * BYTES_PER_SECOND);
  const flow = new Greedy(gate, 1000);
  t.after(() => flow.leave());
  gate.wait(flow);
  clock.advance(1990);
  gate.serve();
  assert.equal(flow.moved, 0);
  clock.advance(20);
  gate.serve();
  assert.ok(flow.moved > 0);
});

test("who comes while others wait waits behind them", (t) => {
  const { gate, clock } = gateWith();
  gate.limit(BYTES_PER_SECOND);
  gate.share(BYTES_PER_SECOND);
  const flow = new Greedy(gate, 1000);
  t.after(() => flow.leave());
  gate.wait(flow);
  clock.advance(100);
  assert.equal(gate.allowance(1), 0);
});

test("datagrams pass whole while nothing is owed, at the rate in all", () => {
  const { gate, clock } = gateWith();
  gate.limit(BYTES_PER_SECOND);
  gate.share(BYTES_PER_SECOND);
  let bytes = 0;
  for (let ms = 0; ms < 10_000; ms += 5) {
    clock.advance(5);
    if (gate.admit(1500, gate)) bytes += 1500;
  }
  assert.ok(Math.abs(bytes - 10 * BYTES_PER_SECOND) <= 0.2 * BYTES_PER_SECOND + 1500, String(bytes));
  gate.share(100);
  clock.advance(60_000);
  assert.ok(gate.admit(60_000, gate), "one of any size");
  assert.equal(gate.admit(1, gate), false);
});

test("the store hears what moved and who was held back, and at once only that somebody is", (t) => {
  const { gate, clock, told } = gateWith();
  gate.limit(BYTES_PER_SECOND);
  gate.share(BYTES_PER_SECOND);
  gate.report(3);
  clock.advance(1000);
  gate.moved(gate.allowance(10_000));
  assert.deepEqual(gate.report(3), { limit: BYTES_PER_SECOND, moved: 9817, isSaturated: false, sessions: 3 });
  const flows = [new Greedy(gate, 1), new Greedy(gate, 1)];
  t.after(() => flows.forEach((flow) => void flow.leave()));
  for (const flow of flows) gate.wait(flow);
  assert.deepEqual(told, ["pause", "saturated", "pause"]);
  clock.advance(400);
  const { isSaturated, sessions } = gate.report(3)!;
  assert.deepEqual({ isSaturated, sessions }, { isSaturated: true, sessions: 2 });
  gate.wait(new Greedy(gate, 1));
  assert.deepEqual(told, ["pause", "saturated", "pause", "pause"], "it is known that somebody waits");
});

test("who was held back and has left since wants no part of the rate", () => {
  const { gate } = gateWith();
  gate.limit(BYTES_PER_SECOND);
  gate.share(BYTES_PER_SECOND);
  const flows = [new Greedy(gate, 1), new Greedy(gate, 1)];
  for (const flow of flows) gate.wait(flow);
  flows[0]!.leave();
  const one = gate.report(1)!;
  assert.deepEqual([one.isSaturated, one.sessions], [true, 1]);
  flows[1]!.leave();
  gate.wait(flows[1]!);
  flows[1]!.leave();
  const none = gate.report(0)!;
  assert.deepEqual([none.isSaturated, none.sessions], [false, 0]);
});
