import assert from "node:assert/strict";
import { it } from "node:test";
import type { FleetStore } from "../../src/index.ts";
import { keyRecord, openOne, openPair, portRecord, putKey, request, type StoreHarness, upstreamRecord } from "./harness.ts";

export function configurationTests(harness: () => StoreHarness): void {
  it("begins empty, at revision 0 of a generation of its own", async (t) => {
    const [store, other] = await openPair(t, harness());
    const state = await store.readState();
    assert.equal(state.revision, 0);
    assert.deepEqual([state.ports.size, state.keys.size, state.upstreams.size], [0, 0, 0]);
    assert.notEqual(state.generation, "");
    assert.equal((await other.readState()).generation, state.generation);
    assert.notEqual((await (await openOne(t, harness())).readState()).generation, state.generation);
  });

  it("keeps every field of every kind", async (t) => {
    const [store, other] = await openPair(t, harness());
    const key = keyRecord("alice", {
      displayName: 'Älice "☃" \\ \n',
      previousSecret: { secret: "before", expiresAtMs: 5 },
      startsAtMs: 1,
      expiresAtMs: 2,
      disabled: true,
      disabledReason: "exhausted",
      allowTargets: ["10.0.0.0/8", "intra.example"],
      denyTargets: ["203.0.113.7"],
    });
    const plain = keyRecord("bob", { secret: "sealed:1:looks like a mark of ours" });
    const port = portRecord(8001);
    const bare = { ...portRecord(8002), identityKey: "" };
    const upstream = upstreamRecord("east");
    const puts = [
      { kind: "key", record: key },
      { kind: "key", record: plain },
      { kind: "port", record: port },
      { kind: "port", record: bare },
      { kind: "upstream", record: upstream },
    ] as const;
    assert.deepEqual(await store.write(request({ puts })), { outcome: "written", revision: 1 });
    const state = await other.readState();
    assert.equal(state.revision, 1);
    assert.deepEqual(
      state.keys,
      new Map([
        ["alice", { record: key, version: 1 }],
        ["bob", { record: plain, version: 1 }],
      ]),
    );
    assert.deepEqual(
      state.ports,
      new Map([
        [8001, { record: port, version: 1 }],
        [8002, { record: bare, version: 1 }],
      ]),
    );
    assert.deepEqual(state.upstreams, new Map([["east", { record: upstream, version: 1 }]]));
  });

  it("versions a resource by the revision of its last change, and deletes", async (t) => {
    const store = await openOne(t, harness());
    await store.write(putKey("a"));
    await store.write(putKey("b"));
    await store.write(putKey("a", { port: 9 }));
    const { keys } = await store.readState();
    assert.deepEqual([keys.get("a")?.version, keys.get("b")?.version], [3, 2]);
    await store.write(request({ deletes: [{ kind: "key", id: "a" }] }));
    const after = await store.readState();
    assert.deepEqual([...after.keys.keys()], ["b"]);
    assert.equal(after.revision, 4);
  });

  it("refuses a write whose expectation does not hold, whole", async (t) => {
    const [store, other] = await openPair(t, harness());
    const mustNotExist = [{ kind: "key", id: "a", version: 0 }] as const;
    assert.deepEqual(await store.write({ ...putKey("a"), expect: mustNotExist }), { outcome: "written", revision: 1 });
    assert.deepEqual(await other.write({ ...putKey("a"), expect: mustNotExist }), {
      outcome: "conflict",
      kind: "key",
      id: "a",
      version: 1,
    });
    const many = request({
      puts: [
        { kind: "port", record: portRecord(1) },
        { kind: "key", record: keyRecord("b") },
      ],
      deletes: [{ kind: "key", id: "a" }],
      expect: [
        { kind: "key", id: "a", version: 1 },
        { kind: "port", id: "1", version: 7 },
      ],
      requestId: "many",
    });
    assert.deepEqual(await other.write(many), { outcome: "conflict", kind: "port", id: "1", version: 0 });
    const state = await store.readState();
    assert.deepEqual([state.revision, state.ports.size, [...state.keys.keys()]], [1, 0, ["a"]]);
    // The request id of a refused write is not used up.
    assert.deepEqual(await other.write({ ...many, expect: many.expect.slice(0, 1) }), { outcome: "written", revision: 2 });
    assert.deepEqual([...(await store.readState()).keys.keys()], ["b"]);
  });

  it("answers a repeated request id with the first response, and changes nothing", async (t) => {
    const [store, other] = await openPair(t, harness());
    const create = {
      ...putKey("a"),
      expect: [{ kind: "key", id: "a", version: 0 }],
      requestId: "r-1",
      response: '{"secret":"ü"}',
    } as const;
    assert.equal((await store.write(create)).outcome, "written");
    assert.deepEqual(await other.write({ ...create, response: "another" }), { outcome: "repeated", response: '{"secret":"ü"}' });
    assert.deepEqual(await other.write({ ...putKey("b"), requestId: "r-1" }), { outcome: "repeated", response: '{"secret":"ü"}' });
    assert.deepEqual([...(await store.readState()).keys.keys()], ["a"]);
    assert.equal((await store.write({ ...putKey("c"), requestId: "r-2" })).outcome, "written");
    assert.deepEqual(await store.write({ ...putKey("c"), requestId: "r-2" }), { outcome: "repeated", response: "" });
  });

  it("carries one of many simultaneous writes of a request id out", async (t) => {
    const handles = await openPair(t, harness());
    const writes = Array.from({ length: 20 }, (_, at) =>
      handles[at % 2]!.write({ ...putKey(`k-${at}`), requestId: "r", response: `${at}` }),
    );
    const outcomes = (await Promise.all(writes)).map(({ outcome }) => outcome);
    assert.equal(outcomes.filter((outcome) => outcome === "written").length, 1);
    assert.equal(outcomes.filter((outcome) => outcome === "repeated").length, 19);
    const state = await handles[0].readState();
    assert.deepEqual([state.revision, state.keys.size], [1, 1]);
  });

  it("loses no update of two writers: 200 interleaved writes", async (t) => {
    const handles = await openPair(t, harness());
    await handles[0].write(putKey("counter", { updatedAtMs: 0 }));
    const revisions = (await Promise.all(handles.map((store) => increment(store, 100)))).flat();
    const state = await handles[1].readState();
    assert.equal(state.keys.get("counter")?.record.updatedAtMs, 200);
    const sorted = revisions.toSorted((a, b) => a - b);
    assert.deepEqual(
      sorted,
      Array.from({ length: 200 }, (_, at) => at + 2),
    );
    assert.equal(state.revision, 201);
  });

  it("reads and writes many resources at once", async (t) => {
    const [store, other] = await openPair(t, harness());
    const ids = Array.from({ length: 3_000 }, (_, at) => `key-${at}`);
    await store.write(request({ puts: ids.map((id) => ({ kind: "key", record: keyRecord(id) })) }));
    const reading = other.readState();
    await store.write({ ...putKey("late"), deletes: [{ kind: "key", id: "key-0" }] });
    const during = await reading;
    assert.equal(during.keys.has("late"), during.revision === 2);
    assert.equal(during.keys.has("key-0"), during.revision === 1);
    assert.equal((await other.readState()).keys.size, 3_000);
  });
}

/** Adds 1 to a record so many times, each time upon what it last read; the revisions of its writes, which must rise. */
async function increment(store: FleetStore, times: number): Promise<number[]> {
  const revisions: number[] = [];
  while (revisions.length < times) {
    const { record, version } = (await store.readState()).keys.get("counter")!;
    const result = await store.write({
      ...putKey("counter", { updatedAtMs: record.updatedAtMs + 1 }),
      expect: [{ kind: "key", id: "counter", version }],
    });
    if (result.outcome !== "written") continue;
    assert.ok(result.revision > (revisions.at(-1) ?? 0));
    revisions.push(result.revision);
  }
  return revisions;
}
