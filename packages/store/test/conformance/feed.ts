import assert from "node:assert/strict";
import { it } from "node:test";
import { trace } from "@opentelemetry/api";
import { recordSpans } from "@shadowfleet/testkit";
import { keyRecord, listen, newestRevision, openOne, openPair, portRecord, putKey, request, type StoreHarness } from "./harness.ts";

export function feedTests(harness: () => StoreHarness): void {
  it("delivers what another writes, all of one write together", async (t) => {
    const [store, other] = await openPair(t, harness());
    const listener = await listen(t, store);
    await other.write(
      request({
        puts: [
          { kind: "key", record: keyRecord("a") },
          { kind: "port", record: portRecord(8001) },
        ],
        deletes: [{ kind: "upstream", id: "gone" }],
      }),
    );
    await listener.until("the changes", (events) => events.length > 0);
    assert.deepEqual(listener.events, [
      {
        type: "changes",
        revision: 1,
        changes: [
          { kind: "key", id: "a", put: { record: keyRecord("a"), version: 1 } },
          { kind: "port", id: "8001", put: { record: portRecord(8001), version: 1 } },
          { kind: "upstream", id: "gone", put: undefined },
        ],
      },
    ]);
  });

  it("says which traces the writes belong to, where they belong to any", async (t) => {
    const [store, other] = await openPair(t, harness());
    const listener = await listen(t, store);
    await using _recorder = await recordSpans();
    const traceIds: string[] = [];
    for (const id of ["a", "b"]) {
      await trace.getTracer("test").startActiveSpan("caller", async (span) => {
        traceIds.push(span.spanContext().traceId);
        await other.write(putKey(id));
        span.end();
      });
    }
    await other.write(putKey("untraced"));
    await listener.until("all three", (events) => newestRevision(events) === 3);
    const told = listener.events.flatMap((event) => (event.type === "changes" ? (event.traceparents ?? []) : []));
    assert.deepEqual(
      told.map((traceparent) => traceparent.split("-")[1]),
      traceIds,
    );
    const last = listener.events.at(-1)!;
    assert.ok(last.type === "changes" && (last.traceparents === undefined || last.changes.length > 1), "nobody's write has no trace");
  });

  it("delivers 100 writes in order, none missing", async (t) => {
    const [store, other] = await openPair(t, harness());
    const listener = await listen(t, store);
    for (let at = 0; at < 100; at += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? store : other).write(putKey(`k-${at + i}`))));
    }
    await listener.until("revision 100", (events) => newestRevision(events) === 100);
    const revisions = listener.events.map((event) => (event.type === "changes" ? event.revision : -1));
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(revisions).size, revisions.length);
    const ids = listener.events.flatMap((event) => (event.type === "changes" ? event.changes.map(({ id }) => id) : []));
    assert.equal(new Set(ids).size, 100);
  });

  it("resumes behind a revision: first what was missed, then what comes", async (t) => {
    const [store, other] = await openPair(t, harness());
    await store.write(putKey("a"));
    const seen = await store.readState();
    await store.write(putKey("b"));
    await store.write(putKey("c"));
    await store.write(request({ deletes: [{ kind: "key", id: "b" }] }));
    const listener = await listen(t, other, seen);
    await store.write(putKey("d"));
    await listener.until("revision 5", (events) => newestRevision(events) === 5);
    const keys = new Map(seen.keys);
    for (const event of listener.events) {
      assert.equal(event.type, "changes");
      if (event.type !== "changes") continue;
      for (const change of event.changes) {
        if (change.kind === "key" && change.put) keys.set(change.id, change.put);
        else keys.delete(change.id);
      }
    }
    assert.deepEqual(keys, (await store.readState()).keys);
    assert.deepEqual(listener.events[0]?.type === "changes" && listener.events[0].changes.some(({ id }) => id === "a"), false);
  });

  it("begins with nothing for who is up to date", async (t) => {
    const store = await openOne(t, harness());
    await store.write(putKey("a"));
    const listener = await listen(t, store);
    await store.write(putKey("b"));
    await listener.until("a change", (events) => events.length > 0);
    assert.deepEqual(
      listener.events.map((event) => event.type === "changes" && event.revision),
      [2],
    );
  });

  it("begins with reset for a revision of another life, or still to come", async (t) => {
    const store = await openOne(t, harness());
    await store.write(putKey("a"));
    const { generation } = await store.readState();
    for (const after of [
      { revision: 0, generation: "" },
      { revision: 1, generation: "another" },
      { revision: 100, generation },
    ]) {
      const listener = await listen(t, store, after);
      await store.write(putKey("b"));
      await listener.until("two events", (events) => events.length === 2);
      assert.deepEqual(
        listener.events.map(({ type }) => type),
        ["reset", "changes"],
      );
      await store.write(putKey("c"));
      await listener.subscription.close();
    }
  });

  it("delivers commands to everybody who listens, in their place among the changes", async (t) => {
    const [store, other] = await openPair(t, harness());
    const listeners = [await listen(t, store), await listen(t, other), await listen(t, other)];
    await store.write(putKey("a"));
    await other.sendCommand({ command: "terminate-key", keyId: "a" });
    await other.sendCommand({ command: "terminate-session", sessionId: "s" });
    await store.write(putKey("b"));
    await store.sendCommand({ command: "drain-member", memberId: "m" });
    for (const { events, until } of listeners) {
      await until("five events", () => events.length === 5);
      assert.deepEqual(
        events.map((event) => (event.type === "command" ? event.command.command : event.type)),
        ["changes", "terminate-key", "terminate-session", "changes", "drain-member"],
      );
      assert.deepEqual(events[1], { type: "command", command: { command: "terminate-key", keyId: "a" } });
    }
    // An order of yesterday is not for who comes today.
    const late = await listen(t, store, { revision: 0, generation: (await store.readState()).generation });
    await store.write(putKey("c"));
    await late.until("revision 3", (events) => newestRevision(events) === 3);
    assert.deepEqual(new Set(late.events.map(({ type }) => type)), new Set(["changes"]));
  });

  it("takes commands before the first write", async (t) => {
    const [store, other] = await openPair(t, harness());
    const listener = await listen(t, store);
    await other.sendCommand({ command: "drain-member", memberId: "m" });
    await other.write(putKey("a"));
    await listener.until("both", (events) => events.length === 2);
    assert.deepEqual(
      listener.events.map(({ type }) => type),
      ["command", "changes"],
    );
  });

  it("is silent once closed", async (t) => {
    const [store, other] = await openPair(t, harness());
    const closed = await listen(t, store);
    const open = await listen(t, store);
    await closed.subscription.close();
    await other.write(putKey("a"));
    await open.until("the change", (events) => events.length === 1);
    assert.deepEqual(closed.events, []);
  });
}
