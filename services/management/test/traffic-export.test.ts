import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ExportTrafficRequest, type ExportTrafficResponse, fromServiceError } from "@shadowfleet/control-api";
import { ManualClock } from "@shadowfleet/runtime";
import { SqliteStore } from "@shadowfleet/store";
import { CallError, failureOf, type ManagementFixture, startManagement } from "./management-fixture.ts";

const HOUR_MS = 3_600_000;
const NOW_HOUR_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const ROWS_PER_MESSAGE = 1_000;

describe("the export of traffic", () => {
  // In the middle of this hour, so that the one before is over for long enough.
  const clock = new ManualClock(NOW_HOUR_MS + HOUR_MS / 2);
  const store = new SqliteStore({ path: ":memory:", clock });
  let fleet: ManagementFixture;
  let sequence = 0;
  before(async () => {
    fleet = await startManagement({ store });
    await relay(["alice", "bob"], 10, NOW_HOUR_MS - 3 * HOUR_MS);
    await relay(["alice"], 200, NOW_HOUR_MS - 1);
    await relay(["bob"], 3_000, NOW_HOUR_MS + 1);
  });
  after(async () => {
    await fleet[Symbol.asyncDispose]();
    await store.close();
  });

  const relay = (keyIds: readonly string[], tcpUp: number, atMs: number) =>
    store.applyTraffic({
      ...{ memberId: "relay-1", epoch: "1", sequence: ++sequence, atMs },
      deltas: keyIds.map((keyId) => ({ keyId, port: 8388, tcpUp, tcpDown: 1, udpUp: 0, udpDown: 2 })),
    });

  async function messagesOf(request: Parameters<typeof ExportTrafficRequest.fromPartial>[0]): Promise<ExportTrafficResponse[]> {
    const stream = fleet.clients.traffic.exportTraffic(ExportTrafficRequest.fromPartial(request));
    const messages: ExportTrafficResponse[] = [];
    try {
      for await (const message of stream) messages.push(message as ExportTrafficResponse);
    } catch (error) {
      throw new CallError(fromServiceError(error as Parameters<typeof fromServiceError>[0]));
    }
    return messages;
  }
  /** [key, hours ago, TCP up] of every row. */
  const rowsOf = async (request: Parameters<typeof ExportTrafficRequest.fromPartial>[0]) =>
    (await messagesOf(request))
      .flatMap(({ rows }) => rows)
      .map(({ accessKeyId, hour, bytes }) => [accessKeyId, (NOW_HOUR_MS - hour!.getTime()) / HOUR_MS, Number(bytes?.tcpUpBytes)]);
  const hoursAgo = (hours: number): Date => new Date(NOW_HOUR_MS - hours * HOUR_MS);

  it("has the closed hours of a day when nothing is said, and says which hours are final", async () => {
    const [head] = await messagesOf({});
    assert.deepEqual([head?.startTime, head?.endTime, head?.finalBeforeTime], [hoursAgo(24), hoursAgo(0), hoursAgo(0)]);
    assert.deepEqual(await rowsOf({}), [
      ["alice", 3, 10],
      ["bob", 3, 10],
      ["alice", 1, 200],
    ]);
  });

  it("has the hours that are asked for, whole, of one key or of all, the open one too", async () => {
    const open = { startTime: hoursAgo(1), endTime: new Date(NOW_HOUR_MS + 1) };
    const [head] = await messagesOf(open);
    assert.deepEqual([head?.endTime, head?.finalBeforeTime], [hoursAgo(-1), hoursAgo(0)]);
    assert.deepEqual(await rowsOf(open), [
      ["alice", 1, 200],
      ["bob", 0, 3_000],
    ]);
    const begun = new Date(NOW_HOUR_MS - 2.5 * HOUR_MS);
    assert.deepEqual(await rowsOf({ accessKeyId: "alice", startTime: begun, endTime: hoursAgo(1) }), [["alice", 3, 10]]);
    assert.deepEqual(await rowsOf({ accessKeyId: "nobody" }), []);
    assert.deepEqual(await rowsOf({ startTime: new Date(0), endTime: hoursAgo(2) }), [
      ["alice", 3, 10],
      ["bob", 3, 10],
    ]);
    const failure = await failureOf(messagesOf({ startTime: hoursAgo(1), endTime: hoursAgo(1) }));
    assert.deepEqual(
      failure.fields.map(({ field }) => field),
      ["start_time"],
    );
    assert.equal((await failureOf(messagesOf({ startTime: hoursAgo(0) }))).code, "INVALID_REQUEST", "no closed hour is that young");
  });

  it("is the same again when a relay tells late, and nothing is lost", async () => {
    const closed = { startTime: hoursAgo(5), endTime: hoursAgo(0) };
    const first = await rowsOf(closed);
    await relay(["alice", "late"], 70_000, NOW_HOUR_MS - 2 * HOUR_MS);
    assert.deepEqual(await rowsOf(closed), first);
    const rows = await rowsOf({ startTime: hoursAgo(5), endTime: hoursAgo(-1) });
    assert.deepEqual(rows.slice(first.length), [
      ["alice", 0, 70_000],
      ["bob", 0, 3_000],
      ["late", 0, 70_000],
    ]);
    const { total } = await store.readTraffic({ kind: "fleet" });
    assert.equal(
      rows.reduce((sum, [, , tcpUp]) => sum + Number(tcpUp), 0),
      total.tcpUp,
    );
    // Half an hour later the hour is closed as well.
    clock.advance(HOUR_MS);
    const [head] = await messagesOf({});
    assert.deepEqual(head?.finalBeforeTime, hoursAgo(-1));
  });

  it("comes in messages of a thousand rows", async () => {
    const ids = Array.from({ length: 2_100 }, (_, index) => `k${String(index).padStart(4, "0")}`);
    const atMs = NOW_HOUR_MS + HOUR_MS;
    await relay(ids, 1, atMs);
    const messages = await messagesOf({ startTime: new Date(atMs), endTime: new Date(atMs + HOUR_MS) });
    assert.deepEqual(
      messages.map(({ rows }) => rows.length),
      [0, ROWS_PER_MESSAGE, ROWS_PER_MESSAGE, 100],
    );
    const sorted = messages.flatMap(({ rows }) => rows.map(({ accessKeyId }) => accessKeyId));
    assert.deepEqual(sorted, ids);
  });
});
