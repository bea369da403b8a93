import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemberKind, Transport, type WatchSessionsResponse } from "@shadowfleet/control-api";
import type { SessionRecord } from "@shadowfleet/store";
import { eventually } from "@shadowfleet/testkit";
import { call, failureOf, member, startManagement } from "./management-fixture.ts";
import { MemberDouble, startRelayDouble } from "./relay-double.ts";

const session = (id: string, keyId: string, more: Partial<SessionRecord> = {}): SessionRecord => ({
  ...{ id, memberId: "relay-1", keyId, port: 8388, transport: "tcp", clientAddress: "192.0.2.1:5000", startedAtMs: 1_700_000_000_000 },
  ...{ bytesUp: 1, bytesDown: 2 },
  ...more,
});

describe("sessions", () => {
  it("are listed in pages, all or of one key", async () => {
    await using fleet = await startManagement();
    await fleet.store.publishSessions("relay-1", [session("s1", "alice"), session("s3", "bob", { transport: "udp" })], []);
    await fleet.store.publishSessions("relay-2", [session("s2", "alice", { memberId: "relay-2" })], []);
    const first = await call(fleet.clients.sessions, "listSessions", { pageSize: 2 });
    const second = await call(fleet.clients.sessions, "listSessions", { pageSize: 2, pageToken: first.nextPageToken });
    assert.deepEqual(
      [...first.sessions, ...second.sessions].map(({ id }) => id),
      ["s1", "s2", "s3"],
    );
    assert.deepEqual(second.sessions[0], {
      ...{
        id: "s3",
        memberId: "relay-1",
        accessKeyId: "bob",
        port: 8388,
        transport: Transport.TRANSPORT_UDP,
        clientAddress: "192.0.2.1:5000",
      },
      ...{ startTime: new Date(1_700_000_000_000), upBytes: 1n, downBytes: 2n },
    });
    const ofAlice = await call(fleet.clients.sessions, "listSessions", { accessKeyId: "alice" });
    assert.deepEqual(
      ofAlice.sessions.map(({ id }) => id),
      ["s1", "s2"],
    );
    assert.equal((await failureOf(call(fleet.clients.sessions, "listSessions", { pageSize: -5 }))).fields[0]!.field, "page_size");
  });

  it("are watched: those there are, then what changed and closed", async () => {
    await using fleet = await startManagement();
    await fleet.store.publishSessions("relay-1", [session("s1", "alice"), session("s2", "alice")], []);
    const messages: WatchSessionsResponse[] = [];
    const stream = fleet.clients.sessions.watchSessions({ accessKeyId: "" });
    stream.on("error", () => {});
    stream.on("data", (message: WatchSessionsResponse) => messages.push(message));
    await eventually("the first message", () => messages.length === 1);
    assert.deepEqual(
      messages[0]!.updated.map(({ id }) => id),
      ["s1", "s2"],
    );
    await fleet.store.publishSessions("relay-1", [session("s2", "alice", { bytesUp: 9 }), session("s3", "bob")], ["s1"]);
    await eventually("the change", () => messages.length === 2);
    assert.deepEqual(
      messages[1]!.updated.map(({ id, upBytes }) => [id, upBytes]),
      [
        ["s2", 9n],
        ["s3", 1n],
      ],
    );
    assert.deepEqual(messages[1]!.closedIds, ["s1"]);
    stream.cancel();
  });

  it("are ended on whichever relay they live, and not through gateways", async () => {
    await using fleet = await startManagement();
    using one = await startRelayDouble(fleet.clients.config, "relay-1");
    using two = await startRelayDouble(fleet.clients.config, "relay-2", MemberKind.MEMBER_KIND_UDP_RELAY);
    using gateway = new MemberDouble(fleet.clients.config, member("gateway-1", MemberKind.MEMBER_KIND_GATEWAY));
    await gateway.until("a snapshot", () => gateway.messages.length > 0);
    const end = (target: object) => call(fleet.clients.sessions, "terminateSessions", { target: target as never });
    await end({ $case: "sessionId", value: "s1" });
    await end({ $case: "accessKeyId", value: "alice" });
    for (const relay of [one, two]) {
      await relay.until("two commands", () => relay.events("command").length === 2);
      assert.deepEqual(
        relay.events("command").map(({ command }) => command),
        [
          { $case: "terminateSessionId", value: "s1" },
          { $case: "terminateAccessKeyId", value: "alice" },
        ],
      );
    }
    assert.deepEqual(gateway.events("command"), []);
    for (const target of [undefined, { $case: "sessionId", value: "" }]) {
      assert.equal((await failureOf(end(target as object))).fields[0]!.field, "target");
    }
  });
});

describe("the fleet", () => {
  it("shows members that report, its revision and that the store answers", async () => {
    await using fleet = await startManagement();
    using _relay = await startRelayDouble(fleet.clients.config, "relay-1");
    await call(fleet.clients.config, "reportStatus", {
      member: member("gateway-1", MemberKind.MEMBER_KIND_GATEWAY, { ready: false, draining: true, sessionCount: 7, epoch: "e" }),
    });
    await call(fleet.clients.keys, "createAccessKey", {});
    const { members, revision, version, storeAvailable, conflicts } = await call(fleet.clients.fleet, "getFleet", {});
    assert.deepEqual(
      members.map(({ id, kind }) => [id, kind]),
      [
        ["gateway-1", MemberKind.MEMBER_KIND_GATEWAY],
        ["relay-1", MemberKind.MEMBER_KIND_TCP_RELAY],
      ],
    );
    assert.deepEqual([members[0]!.ready, members[0]!.draining, members[0]!.sessionCount, members[0]!.epoch], [false, true, 7, "e"]);
    assert.ok(Math.abs(members[0]!.reportTime!.getTime() - Date.now()) < 5_000);
    assert.deepEqual([revision, version, storeAvailable, conflicts], [1n, "0.1.0", true, []]);
  });

  it("tells one member to finish, and only that one", async () => {
    await using fleet = await startManagement();
    using one = await startRelayDouble(fleet.clients.config, "relay-1");
    using two = await startRelayDouble(fleet.clients.config, "relay-2");
    await call(fleet.clients.fleet, "drainMember", { id: "relay-2" });
    await two.until("the command", () => two.events("command").length === 1);
    assert.deepEqual(two.events("command")[0]!.command, { $case: "drainMemberId", value: "relay-2" });
    assert.deepEqual(one.events("command"), []);
    assert.equal((await failureOf(call(fleet.clients.fleet, "drainMember", { id: "nobody" }))).status, "NOT_FOUND");
  });
});
