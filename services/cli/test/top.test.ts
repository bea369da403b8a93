import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  RpcError,
  SessionServiceService as Sessions,
  TrafficServiceService as TrafficService,
  toRpcStatus,
  WatchSessionsResponse,
  WatchTrafficResponse,
} from "@shadowfleet/control-api";
import { ManualClock } from "@shadowfleet/runtime";
import { eventually } from "@shadowfleet/testkit";
import { runCommand } from "../src/run.ts";
import { NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";
import { FakeTerminal } from "./fake-terminal.ts";

const ENTER = "\u001b[?1049h";
const LEAVE = "\u001b[?25h\u001b[?1049l";

const totals = WatchTrafficResponse.fromPartial({ rates: [{ traffic: { subject: "alice", total: { tcpDownBytes: 1_000_000n } } }] });
const moving = WatchTrafficResponse.fromPartial({
  rates: [{ traffic: { subject: "alice", total: { tcpDownBytes: 3_500_000n } }, downBytesPerSecond: 2_500_000, upBytesPerSecond: 125 }],
});

describe("top", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.stream(TrafficService.watchTraffic, (send) => {
      send(totals);
      setTimeout(() => send(moving), 30);
    });
    fleet.stream(Sessions.watchSessions, (send) =>
      send(
        WatchSessionsResponse.fromPartial({
          updated: [
            { id: "s1", accessKeyId: "alice" },
            { id: "s2", accessKeyId: "bob" },
          ],
        }),
      ),
    );
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  const start = (terminal: FakeTerminal, ...flags: string[]): Promise<number> =>
    runCommand(["top", ...flags, "--server", fleet.address], terminal, new ManualClock(NOW_MS));

  test("on a terminal redraws in place, also when the window changes, until q", async () => {
    const terminal = new FakeTerminal({ isTerminal: true, columns: 80, rows: 10 });
    const ended = start(terminal);
    await eventually("the rates", () => terminal.out.includes("20.0 Mbit/s"));
    assert.ok(terminal.out.startsWith(`${ENTER}\u001b[?25l\u001b[H`));
    assert.ok(!terminal.out.includes("\n\n"), "lines are placed, not scrolled");
    assert.match(terminal.out, /alice +1\.00 kbit\/s +20\.0 Mbit\/s +1 +3\.50 MB/);
    assert.match(terminal.out, /bob +0 bit\/s +0 bit\/s +1 +0 B/);
    terminal.resize(12);
    assert.match(terminal.out.slice(terminal.out.lastIndexOf("\u001b[H")), /^.{3}\d\d:\d\d:\d\d {2}u…/);
    terminal.press("x");
    terminal.press("q");
    assert.equal(await ended, 0);
    assert.ok(terminal.out.endsWith(LEAVE));
    assert.equal(terminal.out.split(ENTER).length, 2);
    assert.equal(terminal.watching, 0);
  });

  test("elsewhere an interval is a block of lines, until interrupted", async () => {
    const terminal = new FakeTerminal();
    const ended = start(terminal, "--interval", "2s");
    await eventually("two intervals", () => terminal.out.split("ACCESS KEY").length === 3);
    terminal.interrupt();
    assert.equal(await ended, 0);
    assert.ok(!terminal.out.includes("\u001b"));
    assert.match(terminal.out, /^alice +1\.00 kbit\/s +20\.0 Mbit\/s +1 +3\.50 MB$/m);
    assert.deepEqual(fleet.requestOf(TrafficService.watchTraffic).interval, { seconds: 2n, nanos: 0 });
  });

  test("--once shows the first interval that has rates, and ends", async () => {
    const terminal = new FakeTerminal({ isTerminal: true });
    assert.equal(await start(terminal, "--once"), 0);
    assert.ok(!terminal.out.includes("\u001b"));
    assert.match(terminal.out, /down 20\.0 Mbit\/s {2}2 sessions {2}2 access keys\n/);
    assert.equal(terminal.out.split("ACCESS KEY").length, 2);
  });

  test("--once as JSON is one document", async () => {
    const { out, exitCode } = await runAgainst(fleet, ["top", "--once", "-o", "json"]);
    assert.equal(exitCode, 0);
    assert.deepEqual(JSON.parse(out), {
      time: "2026-11-23T00:00:00.000Z",
      upBytesPerSecond: 125,
      downBytesPerSecond: 2_500_000,
      sessionCount: 2,
      accessKeys: [
        { id: "alice", upBytesPerSecond: 125, downBytesPerSecond: 2_500_000, sessionCount: 1, totalBytes: 3_500_000 },
        { id: "bob", upBytesPerSecond: 0, downBytesPerSecond: 0, sessionCount: 1, totalBytes: 0 },
      ],
    });
  });

  test("a fleet that has nothing to tell is one where nothing moves", async () => {
    fleet.stream(TrafficService.watchTraffic, (send) => send(totals));
    const { out } = await runAgainst(fleet, ["top", "--once"]);
    assert.match(out, /up 0 bit\/s {2}down 0 bit\/s {2}2 sessions/);
  });

  test("goes on when management is restarted", async () => {
    let connections = 0;
    fleet.stream(TrafficService.watchTraffic, (send, call) => {
      send(connections++ === 0 ? totals : moving);
      if (connections === 1) setTimeout(() => call.emit("error", toRpcStatus(new RpcError("SERVER_STOPPING", "connect again"))), 20);
    });
    const terminal = new FakeTerminal();
    const ended = start(terminal);
    await eventually("rates of the second connection", () => terminal.out.includes("20.0 Mbit/s"));
    terminal.interrupt();
    assert.equal(await ended, 0);
    assert.equal(terminal.err, "");
  });

  test("leaves the terminal as it was when it fails", async () => {
    fleet.stream(TrafficService.watchTraffic, (send, call) => {
      send(totals);
      setTimeout(() => call.emit("error", toRpcStatus(new RpcError("NOT_PERMITTED", "no longer"))), 20);
    });
    const terminal = new FakeTerminal({ isTerminal: true });
    assert.equal(await start(terminal), 1);
    assert.ok(terminal.out.endsWith(LEAVE));
    assert.match(terminal.err, /no longer \(NOT_PERMITTED\)/);
    assert.equal(terminal.watching, 0);
  });
});
