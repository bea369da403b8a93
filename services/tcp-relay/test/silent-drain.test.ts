import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { ManualClock } from "@shadowfleet/runtime";
import type { Connection } from "@shadowfleet/transport";
import { SilentDrain } from "../src/silent-drain.ts";

/** Runs with Node's timers and the clock in the test's hand. */
function withTimers(run: (advance: (ms: number) => void, clock: ManualClock) => void): void {
  mock.timers.enable({ apis: ["setTimeout"] });
  const clock = new ManualClock();
  try {
    run((ms) => {
      for (let left = ms; left > 0; left -= 10) {
        clock.advance(Math.min(10, left));
        mock.timers.tick(Math.min(10, left));
      }
    }, clock);
  } finally {
    mock.timers.reset();
  }
}

class RecordedStranger {
  readonly expiredAt: number[] = [];
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  expire(): void {
    this.expiredAt.push(this.#clock.monotonic());
  }
}

describe("SilentDrain", () => {
  test("each stranger expires once, at its deadline after accept, an eighth of it late at most", () => {
    withTimers((advance, clock) => {
      const drain = new SilentDrain(clock, () => 800);
      const startMs = clock.monotonic();
      const strangers = [0, 50, 300, 333, 700].map((at) => {
        advance(startMs + at - clock.monotonic());
        const stranger = new RecordedStranger(clock);
        drain.watch(stranger);
        return { at, stranger };
      });
      assert.equal(drain.size, 5);
      advance(5000);
      for (const { at, stranger } of strangers) {
        assert.equal(stranger.expiredAt.length, 1);
        const late = stranger.expiredAt[0]! - startMs - at - 800;
        assert.ok(late >= 0 && late <= 100, `${late} ms late`);
      }
      assert.equal(drain.size, 0);
    });
  });

  test("one that is released does not expire", () => {
    withTimers((advance, clock) => {
      const drain = new SilentDrain(clock, () => 800);
      const [stays, leaves] = [new RecordedStranger(clock), new RecordedStranger(clock)];
      drain.watch(stays);
      drain.watch(leaves);
      advance(400);
      drain.release(leaves);
      advance(1000);
      assert.deepEqual([stays.expiredAt.length, leaves.expiredAt.length], [1, 0]);
    });
  });

  test("a reload's deadline holds for connections accepted after it", () => {
    withTimers((advance, clock) => {
      let timeoutMs = 200;
      const drain = new SilentDrain(clock, () => timeoutMs);
      const [before, after] = [new RecordedStranger(clock), new RecordedStranger(clock)];
      drain.watch(before);
      timeoutMs = 1600;
      drain.watch(after);
      advance(500);
      assert.deepEqual([before.expiredAt.length, after.expiredAt.length], [1, 0]);
      advance(1400);
      assert.equal(after.expiredAt.length, 1);
    });
  });

  test("discarding reads on, answers nothing, and closes when the peer ends", () => {
    const calls: string[] = [];
    const unset = () => assert.fail("still the old handler");
    const connection = {
      onData: unset,
      onEnd: unset,
      onDrain: unset,
      resume: () => calls.push("resume"),
      destroy: () => calls.push("destroy"),
      send: () => assert.fail("a byte was sent"),
    } as unknown as Connection;
    new SilentDrain(new ManualClock(), () => 1000).discard(connection);
    connection.onData(Buffer.alloc(10), 0, 10);
    assert.deepEqual(calls, ["resume"]);
    connection.onEnd();
    assert.deepEqual(calls, ["resume", "destroy"]);
  });
});
