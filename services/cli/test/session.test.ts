import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Session, SessionServiceService as Sessions, Transport } from "@shadowfleet/control-api";
import { ManualClock } from "@shadowfleet/runtime";
import { eventually } from "@shadowfleet/testkit";
import { SessionLog } from "../src/commands/session-watch.ts";
import { runCommand } from "../src/run.ts";
import { documentOf, NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";
import { FakeTerminal } from "./fake-terminal.ts";

const session = Session.fromPartial({
  id: "s1",
  memberId: "r1",
  accessKeyId: "alice",
  port: 8388,
  transport: Transport.TRANSPORT_TCP,
  clientAddress: "198.51.100.7:50312",
  startTime: new Date(NOW_MS - 65_000),
  upBytes: 1000n,
  downBytes: 2_500_000n,
});
const SESSION_DOCUMENT = {
  id: "s1",
  memberId: "r1",
  accessKeyId: "alice",
  port: 8388,
  transport: "tcp",
  clientAddress: "198.51.100.7:50312",
  startTime: "2026-11-22T23:58:55.000Z",
  upBytes: 1000,
  downBytes: 2_500_000,
};

describe("session", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(Sessions.listSessions, () => ({ sessions: [session], nextPageToken: "" }));
    fleet.answer(Sessions.terminateSessions, () => ({}));
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  test("list shows who, where and how much", async () => {
    const { out } = await runAgainst(fleet, ["session", "list", "--key", "alice"]);
    assert.equal(
      out,
      [
        "SESSION  ACCESS KEY  RELAY  PORT  OVER  CLIENT                AGE       UP     DOWN",
        "s1       alice       r1     8388  tcp   198.51.100.7:50312  1m 5s  1.00 kB  2.50 MB",
        "",
      ].join("\n"),
    );
    assert.equal(fleet.requestOf(Sessions.listSessions).accessKeyId, "alice");
    assert.deepEqual(documentOf(await runAgainst(fleet, ["session", "list", "-o", "json"])), { sessions: [SESSION_DOCUMENT] });
  });

  test("end takes a session or a key, and exactly one of them", async () => {
    await runAgainst(fleet, ["session", "kill", "s1"]);
    const key = await runAgainst(fleet, ["session", "kill", "--key", "alice", "-o", "json"]);
    assert.deepEqual(
      fleet.requestsOf(Sessions.terminateSessions).map(({ target }) => target),
      [
        { $case: "sessionId", value: "s1" },
        { $case: "accessKeyId", value: "alice" },
      ],
    );
    assert.deepEqual(documentOf(key), { accessKeyId: "alice", ended: true });
    for (const argv of [[], ["s1", "--key", "alice"]]) assert.equal((await runAgainst(fleet, ["session", "kill", ...argv])).exitCode, 2);
    assert.equal(fleet.requestsOf(Sessions.terminateSessions).length, 2);
  });

  test("watch tells of what opens and closes until interrupted, which is a proper end", async () => {
    fleet.stream(Sessions.watchSessions, (send) => {
      send({ updated: [session], closedIds: [] });
      send({ updated: [{ ...session, upBytes: 9000n }], closedIds: [] });
      send({ updated: [], closedIds: ["s1"] });
    });
    const terminal = new FakeTerminal();
    const argv = ["session", "watch", "--key", "alice", "--server", fleet.address];
    const ended = runCommand(argv, terminal, new ManualClock(NOW_MS));
    await eventually("both lines", () => terminal.lines.length === 2);
    terminal.interrupt();
    assert.equal(await ended, 0);
    assert.match(
      terminal.out,
      /^\S+ {2}opened {2}s1 {2}alice {2}tcp {2}198\.51\.100\.7:50312 {2}r1:8388\n\S+ {2}closed {2}s1 .* {2}up 9\.00 kB {2}down 2\.50 MB\n$/,
    );
    assert.equal(fleet.requestOf(Sessions.watchSessions).accessKeyId, "alice");
    assert.equal(terminal.watching, 0);
  });

  test("watch as JSON is a line a message", async () => {
    fleet.stream(Sessions.watchSessions, (send) => {
      send({ updated: [session], closedIds: [] });
      send({ updated: [], closedIds: ["s1"] });
    });
    const terminal = new FakeTerminal();
    const ended = runCommand(["session", "watch", "-o", "json", "--server", fleet.address], terminal, new ManualClock(NOW_MS));
    await eventually("both lines", () => terminal.lines.length === 2);
    terminal.interrupt();
    await ended;
    assert.deepEqual(
      terminal.lines.map((line) => JSON.parse(line) as unknown),
      [
        { isFirst: true, updated: [SESSION_DOCUMENT], closedIds: [] },
        { isFirst: false, updated: [], closedIds: ["s1"] },
      ],
    );
  });

  test("after a new connection, what is no longer in the whole has closed", () => {
    const log = new SessionLog();
    const now = new Date(NOW_MS);
    const second = { ...session, id: "s2" };
    assert.equal(log.take({ updated: [session, second], closedIds: [] }, true, now).length, 2);
    const lines = log.take({ updated: [second], closedIds: [] }, true, now);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", / closed {2}s1 /);
    assert.deepEqual(log.take({ updated: [], closedIds: ["unknown"] }, false, now), []);
  });
});
