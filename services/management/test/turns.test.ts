import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FleetError } from "@shadowfleet/runtime";
import { MEMBER_TTL_MS, type MemberRecord, SqliteStore } from "@shadowfleet/store";
import { createMemoryLogger, eventually } from "@shadowfleet/testkit";
import { Members } from "../src/directory/members.ts";
import { Notes } from "../src/events/notes.ts";
import { RelayPresence } from "../src/events/relay-presence.ts";
import { Turn } from "../src/events/turn.ts";

const TTL_MS = 600;

describe("a turn", () => {
  let store: SqliteStore;
  let isAway = false;
  /** Who worked at the same time. */
  let most = 0;
  let stops: AbortController[] = [];
  const runs: Promise<void>[] = [];
  beforeEach(() => {
    store = new SqliteStore({ path: ":memory:" });
    isAway = false;
    most = 0;
  });
  afterEach(async () => {
    assert.equal(most, 1);
    for (const stop of stops) stop.abort();
    await Promise.all(runs.splice(0));
    stops = [];
    await store.close();
  });

  /** Two processes that want the turn; who works now, and how often somebody began. */
  function contend(work: (holder: string) => void = () => {}): { readonly working: Set<string>; begun: string[] } {
    const state = { working: new Set<string>(), begun: [] as string[] };
    for (const holder of ["one", "two"]) {
      const stop = new AbortController();
      stops.push(stop);
      const takeTurn = async (...asked: Parameters<SqliteStore["takeTurn"]>): Promise<boolean> => {
        if (isAway) throw new FleetError("STORE_UNAVAILABLE", "away");
        return store.takeTurn(...asked);
      };
      const { logger } = createMemoryLogger();
      const turn = new Turn({ store: { takeTurn }, name: "work", holder, ttlMs: TTL_MS, logger });
      const begin = async (held: AbortSignal): Promise<void> => {
        state.begun.push(holder);
        state.working.add(holder);
        most = Math.max(most, state.working.size);
        try {
          work(holder);
          await new Promise((resolve) => held.addEventListener("abort", resolve, { once: true }));
        } finally {
          state.working.delete(holder);
        }
      };
      runs.push(turn.run(begin, stop.signal));
    }
    return state;
  }

  it("is one process's at a time, kept by asking, and another's soon after it stopped", async () => {
    const state = contend();
    await eventually("somebody", () => state.working.size === 1);
    await new Promise((resolve) => setTimeout(resolve, 2 * TTL_MS));
    assert.equal(state.begun.length, 1);
    const [first] = state.begun;
    stops[first === "one" ? 0 : 1]!.abort();
    await eventually("the other", () => state.begun.length === 2 && state.working.size === 1);
    assert.notEqual(state.begun[1], first);
  });

  it("is over when the store has not confirmed it in time, and goes on with the store", async () => {
    const state = contend();
    await eventually("somebody", () => state.working.size === 1);
    isAway = true;
    await eventually("nobody", () => state.working.size === 0);
    isAway = false;
    await eventually("somebody again", () => state.working.size === 1);
  });

  it("is used again after its work has failed", async () => {
    let failures = 0;
    const state = contend(() => {
      if (failures++ < 2) throw new FleetError("STORE_UNAVAILABLE", "once more");
    });
    await eventually("a third try", () => state.begun.length === 3 && state.working.size === 1);
  });
});

describe("relays are not missed", () => {
  const NOW_MS = 1_790_000_000_000;
  const GRACE_MS = 15_000;
  const relay = { ...{ id: "r1", kind: "tcp-relay", version: "1", epoch: "1", startedAtMs: 1, reportedAtMs: 1, appliedRevision: 0 } };
  const alive = { ...relay, ready: true, draining: false, sessionCount: 0, ports: [] } as MemberRecord;

  /** What a new holder of the turn tells, so long after the last look at a relay that is silent now. */
  async function toldAfter(pauseMs: number): Promise<(atMs: number) => Promise<string[]>> {
    const store = new SqliteStore({ path: ":memory:" });
    let members: MemberRecord[] = [alive];
    const presence = (): RelayPresence =>
      new RelayPresence(new Members({ listMembers: async () => members } as never), new Notes(store, "relays"), GRACE_MS);
    const before = presence();
    assert.equal((await before.look(NOW_MS)).length, 1);
    await before.notes.save();
    members = [];
    const now = presence();
    await now.notes.load();
    now.begin();
    return async (atMs) => (await now.look(NOW_MS + pauseMs + atMs)).map(({ type }) => type);
  }

  it("for a while after nobody could report", async () => {
    const told = await toldAfter(60_000);
    assert.deepEqual(await told(0), []);
    assert.deepEqual(await told(GRACE_MS - 1), []);
    assert.deepEqual(await told(GRACE_MS), ["relay.left"]);
  });

  it("but told at once where the turn only changed hands", async () => {
    const told = await toldAfter(MEMBER_TTL_MS / 2);
    assert.deepEqual(await told(0), ["relay.left"]);
  });
});
