import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Event, EventServiceService as Events, RpcError, toRpcStatus } from "@shadowfleet/control-api";
import { ManualClock } from "@shadowfleet/runtime";
import { eventually } from "@shadowfleet/testkit";
import { runCommand } from "../src/run.ts";
import { documentOf, NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";
import { FakeTerminal } from "./fake-terminal.ts";

const event = (id: string, more: Partial<Event> = {}): Event =>
  Event.fromPartial({
    id,
    type: "key.cut",
    subject: "alice",
    time: new Date(NOW_MS),
    details: { usedBytes: 1_000, action: "cut" },
    ...more,
  });
const DOCUMENT = {
  id: "1-0",
  type: "key.cut",
  subject: "alice",
  time: "2026-11-23T00:00:00.000Z",
  details: { usedBytes: 1_000, action: "cut" },
};

describe("events", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(Events.listEvents, ({ pageToken }) =>
      pageToken === ""
        ? {
            events: [event("1-0"), event("2-0", { type: "relay.left", subject: "r1", details: {} })],
            nextPageToken: "more",
            lastEventId: "2-0",
          }
        : { events: [event("3-0")], nextPageToken: "", lastEventId: "4-0" },
    );
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  test("lists what is kept, a page at a time, for people and machines", async () => {
    const { out } = await runAgainst(fleet, ["events"]);
    const lines = out.trimEnd().split("\n");
    assert.match(lines[0]!, /^TIME +TYPE +SUBJECT +ID +DETAILS$/);
    assert.match(lines[1]!, / key\.cut +alice +1-0 +usedBytes=1000 action=cut$/);
    assert.match(lines[2]!, / relay\.left +r1 +2-0$/);
    assert.equal(lines.length, 4);
    const document = documentOf(await runAgainst(fleet, ["events", "-o", "json"])) as { readonly events: readonly unknown[] };
    assert.deepEqual([document.events.length, document.events[0]], [3, DOCUMENT]);
  });

  test("asks for types, a subject and what is after an event; shows the newest", async () => {
    const argv = ["events", "--type", "key.*", "--type", "relay.left", "--subject", "alice", "--after", "0-7", "--last", "2", "-o", "json"];
    const document = documentOf(await runAgainst(fleet, argv)) as { readonly events: readonly { readonly id: string }[] };
    assert.deepEqual(
      document.events.map(({ id }) => id),
      ["2-0", "3-0"],
    );
    const [first] = fleet.requestsOf(Events.listEvents);
    assert.deepEqual([first!.types, first!.subject, first!.afterEventId], [["key.*", "relay.left"], "alice", "0-7"]);
    assert.equal((await runAgainst(fleet, ["events", "--last", "0"])).exitCode, 2);
  });

  test("follows from now on, and after a broken connection from where it was", async () => {
    let streams = 0;
    fleet.stream(Events.watchEvents, (send, call) => {
      streams++;
      if (streams === 1) {
        send({ events: [], lastEventId: "4-0" });
        send({ events: [event("5-0")], lastEventId: "5-0" });
        call.emit("error", toRpcStatus(new RpcError("SERVER_STOPPING", "connect again")));
      } else {
        send({ events: [event("6-0")], lastEventId: "6-0" });
      }
    });
    const terminal = new FakeTerminal();
    const ended = runCommand(["events", "--follow", "-o", "json", "--server", fleet.address], terminal, new ManualClock(NOW_MS));
    await eventually("both events", () => terminal.lines.length === 2);
    terminal.interrupt();
    assert.equal(await ended, 0);
    assert.deepEqual(
      terminal.lines.map((line) => (JSON.parse(line) as { readonly id: string }).id),
      ["5-0", "6-0"],
    );
    assert.deepEqual(
      fleet.requestsOf(Events.watchEvents).map(({ afterEventId }) => afterEventId),
      ["", "5-0"],
    );
    assert.equal(fleet.requestsOf(Events.listEvents).length, 0);
  });

  test("follows behind the newest ones it has shown", async () => {
    fleet.stream(Events.watchEvents, (send) => send({ events: [event("5-0")], lastEventId: "5-0" }));
    const terminal = new FakeTerminal();
    const ended = runCommand(["events", "-f", "--last", "1", "--server", fleet.address], terminal, new ManualClock(NOW_MS));
    await eventually("both events", () => terminal.lines.length === 2);
    terminal.interrupt();
    assert.equal(await ended, 0);
    assert.match(terminal.lines[0]!, / {2}key\.cut {2}alice {2}3-0 {2}usedBytes=1000 action=cut$/);
    assert.equal(fleet.requestOf(Events.watchEvents).afterEventId, "4-0");
  });
});
