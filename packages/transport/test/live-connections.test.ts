import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type LiveConnection, LiveConnections, NOWHERE } from "../src/index.ts";

interface Client extends LiveConnection {
  serving: boolean;
}

function setUp() {
  const cuts: Client[] = [];
  const live = new LiveConnections<Client>({ isServing: ({ serving }) => serving, cut: (client) => void cuts.push(client) });
  const served: Client = { serving: true, livePlace: NOWHERE };
  const stranger: Client = { serving: false, livePlace: NOWHERE };
  return { cuts, live, served, stranger };
}

const elapsedMs = async (work: Promise<void>): Promise<number> => {
  const startedMs = performance.now();
  await work;
  return performance.now() - startedMs;
};

describe("drain of live connections", () => {
  test("with none open it is over at once", async () => {
    const { live, cuts } = setUp();
    assert.ok((await elapsedMs(live.drain(60_000))) < 500);
    assert.deepEqual(cuts, []);
  });

  test("waits for whoever is served, then is over at once", async () => {
    const { live, served, cuts } = setUp();
    live.add(served);
    setTimeout(() => live.delete(served), 1_300);
    const took = await elapsedMs(live.drain(60_000));
    assert.ok(took >= 1_290 && took < 5_000, `${took} ms`);
    assert.deepEqual([cuts, live.size], [[], 0]);
  });

  test("gives strangers a moment only, however long the deadline", async () => {
    const { live, stranger, cuts } = setUp();
    live.add(stranger);
    const drained = live.drain(60_000);
    const took = await elapsedMs(drained);
    assert.ok(took < 10_000, `${took} ms`);
    assert.deepEqual(cuts, [stranger]);
  });

  test("cuts at the deadline and waits for what it cut to close", async () => {
    const { live, served, cuts } = setUp();
    live.add(served);
    const closing = setInterval(() => cuts.length > 0 && live.delete(served), 10);
    await live.drain(50);
    clearInterval(closing);
    assert.deepEqual([cuts, live.size], [[served], 0]);
  });
});
