import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ErrorCode } from "@shadowfleet/runtime";
import type { SessionRecord } from "@shadowfleet/store";
import { createMemoryLogger } from "@shadowfleet/testkit";
import { NOWHERE } from "@shadowfleet/transport";
import { SessionPublisher } from "../../src/fleet/session-publisher.ts";
import { LiveSessions } from "../../src/live-sessions.ts";
import type { LiveSession } from "../../src/session-registry.ts";

class FakeSession implements LiveSession {
  readonly id: string;
  readonly keyId: string;
  registryPlace = NOWHERE;
  readonly port = 8388;
  readonly transport = "tcp";
  readonly clientHost: string;
  readonly clientPort = 40_000;
  readonly startedAtMs = 1_700_000_000_000;
  bytesUp = 0;
  bytesDown = 0;
  ended: ErrorCode | undefined;

  constructor(id: string, keyId: string, clientHost = "192.0.2.1") {
    this.id = id;
    this.keyId = keyId;
    this.clientHost = clientHost;
  }

  terminate(code: ErrorCode): void {
    this.ended = code;
  }
}

interface Call {
  readonly memberId: string;
  readonly updated: readonly SessionRecord[];
  readonly closed: readonly string[];
}

function bench() {
  const sessions = new LiveSessions();
  const calls: Call[] = [];
  const fault: { next: Error | undefined } = { next: undefined };
  const store = {
    publishSessions: async (memberId: string, updated: readonly SessionRecord[], closed: readonly string[]) => {
      calls.push({ memberId, updated, closed });
      if (fault.next) throw fault.next;
    },
  };
  const log = createMemoryLogger();
  const publisher = new SessionPublisher({ sessions, store, memberId: "r1", epoch: "e1", logger: log.logger });
  /** What the last call said, in short. */
  const told = () => {
    const { updated, closed } = calls.at(-1)!;
    return [updated.map(({ id, bytesUp }) => `${id}:${bytesUp}`).join(" "), closed.join(" ")];
  };
  return { sessions, calls, fault, publisher, told, log };
}

describe("SessionPublisher", () => {
  test("tells what opened, moved bytes or closed since the last call, and says at least that it lives", async () => {
    const { sessions, calls, publisher, told } = bench();
    await publisher.publish();
    assert.equal(calls.length, 0, "nothing to say");
    const [a, b] = [new FakeSession("tcp-1", "alice"), new FakeSession("tcp-2", "bob", "2001:db8::1")];
    sessions.add(a);
    sessions.add(b);
    await publisher.publish();
    assert.deepEqual(told(), ["r1/e1/tcp-1:0 r1/e1/tcp-2:0", ""]);
    assert.deepEqual(
      calls[0]?.updated.map(({ memberId, keyId, clientAddress, startedAtMs }) => [memberId, keyId, clientAddress, startedAtMs]),
      [
        ["r1", "alice", "192.0.2.1:40000", 1_700_000_000_000],
        ["r1", "bob", "[2001:db8::1]:40000", 1_700_000_000_000],
      ],
    );
    a.bytesUp = 7;
    await publisher.publish();
    assert.deepEqual(told(), ["r1/e1/tcp-1:7", ""]);
    await publisher.publish();
    assert.deepEqual([calls.length, told()], [3, ["", ""]]);
    sessions.remove(a);
    await publisher.publish();
    assert.deepEqual(told(), ["", "r1/e1/tcp-1"]);
    await publisher.finish(1000);
    assert.deepEqual(told(), ["", "r1/e1/tcp-2"]);
  });

  test("after a call that failed, tells everything", async () => {
    const { sessions, fault, publisher, told, log } = bench();
    const [a, b] = [new FakeSession("tcp-1", "alice"), new FakeSession("tcp-2", "bob")];
    sessions.add(a);
    sessions.add(b);
    await publisher.publish();
    sessions.remove(b);
    fault.next = new Error("away");
    await publisher.publish();
    await publisher.publish();
    fault.next = undefined;
    await publisher.publish();
    assert.deepEqual(told(), ["r1/e1/tcp-1:0", "r1/e1/tcp-2"]);
    await publisher.publish();
    assert.deepEqual(told(), ["", ""]);
    assert.equal(log.lines.filter(({ level }) => level === "warn").length, 1);
  });

  test("tells everything when the store was emptied", async () => {
    const { sessions, publisher, told } = bench();
    sessions.add(new FakeSession("tcp-1", "alice"));
    await publisher.publish();
    publisher.forget();
    await publisher.publish();
    assert.deepEqual(told(), ["r1/e1/tcp-1:0", ""]);
  });

  test("finds a session by its name in the fleet, and none of another life or relay", () => {
    const { sessions, publisher } = bench();
    const session = new FakeSession("tcp-1", "alice");
    sessions.add(session);
    assert.equal(publisher.find("r1/e1/tcp-1"), session);
    for (const id of ["tcp-1", "r1/e0/tcp-1", "r2/e1/tcp-1", "r1/e1/tcp-2", ""]) assert.equal(publisher.find(id), undefined, id);
  });
});
