import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "@shadowfleet/runtime";
import { NOWHERE } from "@shadowfleet/transport";
import { LiveSessions } from "../src/live-sessions.ts";
import type { LiveSession } from "../src/session-registry.ts";

class RecordedSession implements LiveSession {
  readonly port = 8388;
  readonly transport = "tcp";
  readonly clientHost = "192.0.2.1";
  readonly clientPort = 40_000;
  readonly startedAtMs = 0;
  readonly bytesUp = 0;
  readonly bytesDown = 0;
  readonly id: string;
  readonly keyId: string;
  registryPlace = NOWHERE;
  readonly codes: ErrorCode[] = [];
  readonly #registry: LiveSessions;

  constructor(id: string, keyId: string, registry: LiveSessions) {
    this.id = id;
    this.keyId = keyId;
    this.#registry = registry;
  }

  terminate(code: ErrorCode): void {
    this.codes.push(code);
    this.#registry.remove(this);
  }
}

test("ends every session of one key and no other, although they leave while they are ended", () => {
  const live = new LiveSessions();
  const sessions = ["a", "b", "a", "a", "c"].map((keyId, n) => new RecordedSession(`s${n}`, keyId, live));
  for (const session of sessions) live.add(session);
  assert.equal(live.size, 5);
  assert.equal(live.terminateKey("a", "SESSION_TERMINATED"), 3);
  assert.deepEqual(
    sessions.map(({ codes }) => codes),
    [["SESSION_TERMINATED"], [], ["SESSION_TERMINATED"], ["SESSION_TERMINATED"], []],
  );
  assert.equal(live.size, 2);
  assert.equal(live.terminateKey("a", "SESSION_TERMINATED"), 0);
});

test("lists all sessions or those of a key", () => {
  const live = new LiveSessions();
  const sessions = ["a", "b", "a"].map((keyId, n) => new RecordedSession(`s${n}`, keyId, live));
  for (const session of sessions) live.add(session);
  assert.deepEqual(live.list("a"), [sessions[0], sessions[2]]);
  assert.deepEqual(live.list("nobody"), []);
  assert.equal(live.list().length, 3);
});

test("adding or removing twice counts once", () => {
  const live = new LiveSessions();
  const session = new RecordedSession("s", "a", live);
  live.add(session);
  live.add(session);
  assert.equal(live.size, 1);
  live.remove(session);
  live.remove(session);
  assert.equal(live.size, 0);
  assert.deepEqual(live.list(), []);
});
