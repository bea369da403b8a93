import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TrafficRate, WatchSessionsResponse, type WatchTrafficResponse } from "@shadowfleet/control-api";
import { LiveRates } from "../src/live/live-rates.ts";
import { liveTable } from "../src/live/live-table.ts";
import { Screen } from "../src/live/screen.ts";
import { NOW_MS } from "./command.ts";
import { FakeTerminal } from "./fake-terminal.ts";

function rate(subject: string, up: number, down: number, totalBytes: bigint): TrafficRate {
  return TrafficRate.fromPartial({
    traffic: { subject, total: { tcpUpBytes: totalBytes } },
    upBytesPerSecond: up,
    downBytesPerSecond: down,
  });
}

const traffic = (...rates: TrafficRate[]): WatchTrafficResponse => ({ rates });
const sessions = (updated: Record<string, string>, closedIds: string[] = []): WatchSessionsResponse =>
  WatchSessionsResponse.fromPartial({ updated: Object.entries(updated).map(([id, accessKeyId]) => ({ id, accessKeyId })), closedIds });

describe("live rates", () => {
  test("the fastest key is first, then the one with most bytes; keys that do nothing are left out", () => {
    const rates = new LiveRates();
    rates.takeTraffic(traffic(rate("slow", 1, 1, 10n), rate("idle", 0, 0, 99n), rate("fast", 5, 5, 1n), rate("quiet", 0, 0, 5n)));
    rates.takeSessions(sessions({ s1: "quiet", s2: "fast", s3: "fast", s4: "new" }), true);
    const { keys, upBytesPerSecond, downBytesPerSecond, sessionCount } = rates.now;
    assert.deepEqual(
      keys.map(({ id, sessionCount: count, totalBytes }) => [id, count, totalBytes]),
      [
        ["fast", 2, 1n],
        ["slow", 0, 10n],
        ["quiet", 1, 5n],
        ["new", 1, 0n],
      ],
    );
    assert.deepEqual([upBytesPerSecond, downBytesPerSecond, sessionCount], [6, 6, 4]);
  });

  test("a key that a message does not name has stopped; its total stays", () => {
    const rates = new LiveRates();
    rates.takeTraffic(traffic(rate("a", 9, 9, 100n), rate("b", 1, 1, 5n)));
    rates.takeSessions(sessions({ s1: "a" }), true);
    rates.takeTraffic(traffic(rate("b", 2, 2, 6n)));
    assert.deepEqual(
      rates.now.keys.map(({ id, upBytesPerSecond, totalBytes }) => [id, upBytesPerSecond, totalBytes]),
      [
        ["b", 2, 6n],
        ["a", 0, 100n],
      ],
    );
    rates.takeSilence();
    assert.equal(rates.now.upBytesPerSecond, 0);
  });

  test("sessions close one by one, and all at once when the whole comes again", () => {
    const rates = new LiveRates();
    rates.takeSessions(sessions({ s1: "a", s2: "a", s3: "b" }), true);
    rates.takeSessions(sessions({}, ["s1", "unknown"]), false);
    assert.equal(rates.now.sessionCount, 2);
    rates.takeSessions(sessions({ s9: "c" }), true);
    assert.deepEqual(
      rates.now.keys.map(({ id }) => id),
      ["c"],
    );
  });

  test("the table has as many rows as there is room for", () => {
    const rates = new LiveRates();
    rates.takeTraffic(traffic(rate("a", 125_000, 0, 1000n), rate("b", 1, 0, 1n), rate("c", 1, 0, 1n)));
    const lines = liveTable(rates.now, new Date(NOW_MS), 2);
    assert.match(lines[0] ?? "", /^\d\d:\d\d:\d\d {2}up 1\.00 Mbit\/s {2}down 0 bit\/s {2}0 sessions {2}3 access keys$/);
    assert.deepEqual(lines.slice(1, 4), [
      "",
      "ACCESS KEY           UP     DOWN  SESSIONS    TOTAL",
      "a           1.00 Mbit/s  0 bit/s         0  1.00 kB",
    ]);
    assert.equal(lines.length, 5);
    assert.equal(liveTable(rates.now, new Date(NOW_MS), -1).length, 3);
  });
});

describe("screen", () => {
  test("is drawn over in place, cut to its size, and leaves what was there before", () => {
    const terminal = new FakeTerminal({ columns: 5, rows: 2 });
    const screen = new Screen(terminal);
    screen.draw(["abcdefgh", "x", "beyond"]);
    assert.equal(terminal.out, "\u001b[?1049h\u001b[?25l\u001b[Habcd…\u001b[K\r\nx\u001b[K\u001b[J");
    screen.draw(["y"]);
    assert.ok(terminal.out.endsWith("\u001b[Hy\u001b[K\u001b[J"));
    screen.close();
    screen.close();
    assert.ok(terminal.out.endsWith("\u001b[J\u001b[?25h\u001b[?1049l"));
  });

  test("that was never drawn changes nothing", () => {
    const terminal = new FakeTerminal();
    new Screen(terminal).close();
    assert.equal(terminal.out, "");
  });
});
