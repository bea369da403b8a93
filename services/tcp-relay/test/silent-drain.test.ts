import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { ManualClock } from "@shadowfleet/runtime";
import type { Connection } from "@shadowfleet/transport";
import { type Expiry, SilentDrain, type Stranger } from "../src/silent-drain.ts";

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

class RecordedStranger implements Stranger {
  readonly clientHost: string;
  readonly acceptedMs: number;
  place: Stranger["place"];
  readonly expiredAt: number[] = [];
  readonly reasons: Expiry[] = [];
  readonly #clock: ManualClock;

  constructor(clock: ManualClock, clientHost = "192.0.2.1") {
    this.#clock = clock;
    this.clientHost = clientHost;
    this.acceptedMs = clock.monotonic();
  }

  expire(reason: Expiry): void {
    this.reasons.push(reason);
    this.expiredAt.push(this.#clock.monotonic());
  }
}

function drainOf(clock: ManualClock, timeoutMs: () => number, limits = { perSource: 100, total: 100 }): SilentDrain {
  return new SilentDrain({ clock, timeoutMs, limits: () => limits });
}

describe("SilentDrain", () => {
  test("each stranger expires once, at its deadline after accept, an eighth of it late at most", () => {
    withTimers((advance, clock) => {
      const drain = drainOf(clock, () => 800);
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

  test("one whose header has come keeps deadline and place, and counts for its own source from then on", () => {
    withTimers((advance, clock) => {
      const drain = drainOf(clock, () => 800, { perSource: 2, total: 100 });
      const startMs = clock.monotonic();
      const waiting = new RecordedStranger(clock);
      drain.watch(waiting);
      advance(600);
      const clients = [1, 2].map(() => new RecordedStranger(clock, "198.51.100.1"));
      for (const client of clients) drain.watch(client);
      const known = new RecordedStranger(clock, "198.51.100.1");
      drain.watch(known, waiting);
      assert.deepEqual([drain.size, drain.displaced], [2, { source: 1, total: 0 }]);
      assert.deepEqual(clients[0]!.reasons, ["HANDSHAKE_LIMIT"]);
      for (let n = 0; n < 2; n++) drain.watch(new RecordedStranger(clock));
      assert.equal(drain.displaced.source, 1, "the proxy's own source is free of it");
      advance(2000);
      assert.equal(waiting.expiredAt.length, 0);
      assert.deepEqual(known.reasons, ["HANDSHAKE_TIMEOUT"]);
      const late = known.expiredAt[0]! - startMs - 800;
      assert.ok(late >= 0 && late <= 100, `${late} ms late`);
      assert.equal(drain.size, 0);
    });
  });

  test("one that is released does not expire", () => {
    withTimers((advance, clock) => {
      const drain = drainOf(clock, () => 800);
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
      const drain = drainOf(clock, () => timeoutMs);
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

  test("above the cap of a source its oldest goes at once, refused or not, and nobody else's", () => {
    withTimers((advance, clock) => {
      const drain = drainOf(clock, () => 800, { perSource: 3, total: 100 });
      const honest = new RecordedStranger(clock, "198.51.100.1");
      drain.watch(honest);
      const flood = Array.from({ length: 10 }, () => new RecordedStranger(clock));
      for (const stranger of flood) drain.watch(stranger);
      assert.deepEqual(
        flood.map(({ reasons }) => reasons.join()),
        [...Array(7).fill("HANDSHAKE_LIMIT"), "", "", ""],
      );
      assert.equal(drain.size, 4);
      assert.deepEqual(drain.displaced, { source: 7, total: 0 });
      advance(1000);
      assert.deepEqual([honest.reasons, flood[9]!.reasons], [["HANDSHAKE_TIMEOUT"], ["HANDSHAKE_TIMEOUT"]]);
      assert.equal(drain.size, 0);
    });
  });

  test("above the cap in all the oldest of any source goes; one that is released frees its place", () => {
    withTimers((_advance, clock) => {
      const drain = drainOf(clock, () => 800, { perSource: 3, total: 5 });
      const strangers = Array.from({ length: 8 }, (_, n) => new RecordedStranger(clock, `192.0.2.${n}`));
      for (const stranger of strangers.slice(0, 5)) drain.watch(stranger);
      drain.release(strangers[2]!);
      for (const stranger of strangers.slice(5)) drain.watch(stranger);
      assert.deepEqual(
        strangers.map(({ reasons }) => reasons.length),
        [1, 1, 0, 0, 0, 0, 0, 0],
      );
      assert.deepEqual([drain.size, drain.displaced], [5, { source: 0, total: 2 }]);
    });
  });

  test("the addresses of one IPv6 /64 are one source", () => {
    withTimers((_advance, clock) => {
      const drain = drainOf(clock, () => 800, { perSource: 2, total: 100 });
      for (let n = 1; n <= 6; n++) drain.watch(new RecordedStranger(clock, `2001:db8::${n}`));
      assert.equal(drain.size, 2);
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
    drainOf(new ManualClock(), () => 1000).discard(connection);
    connection.onData(Buffer.alloc(10), 0, 10);
    assert.deepEqual(calls, ["resume"]);
    connection.onEnd();
    assert.deepEqual(calls, ["resume", "destroy"]);
  });
});
