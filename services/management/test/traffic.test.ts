import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AccessKey, type ByteCounts, type TrafficRate, type WatchTrafficResponse } from "@shadowfleet/control-api";
import { eventually } from "@shadowfleet/testkit";
import { call, failureOf, type ManagementFixture, startManagement } from "./management-fixture.ts";

const HOUR_MS = 3_600_000;
const bytes = (tcpUpBytes: number, tcpDownBytes: number, udpUpBytes: number, udpDownBytes: number): ByteCounts => ({
  tcpUpBytes: BigInt(tcpUpBytes),
  tcpDownBytes: BigInt(tcpDownBytes),
  udpUpBytes: BigInt(udpUpBytes),
  udpDownBytes: BigInt(udpDownBytes),
});

describe("traffic", () => {
  let fleet: ManagementFixture;
  let sequence = 0;
  before(async () => {
    fleet = await startManagement();
    for (const id of ["alice", "bob", "quiet"])
      await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id }) });
    await relay("alice", [1, 20, 300, 4_000], Date.now() - HOUR_MS);
    await relay("bob", [5, 0, 0, 0]);
    await relay("gone", [7, 0, 0, 0]);
  });
  after(() => fleet[Symbol.asyncDispose]());

  const relay = (keyId: string, [tcpUp, tcpDown, udpUp, udpDown]: [number, number, number, number], atMs = Date.now()) =>
    fleet.store.applyTraffic({
      memberId: "relay-1",
      epoch: "1",
      sequence: ++sequence,
      atMs,
      deltas: [{ keyId, port: 8388, tcpUp, tcpDown, udpUp, udpDown }],
    });
  const totalOf = async (subject?: object) =>
    (await call(fleet.clients.traffic, "getTraffic", subject ? { subject: { subject } as never } : {})).traffic!.total;

  it("is told by fleet, access key, port and relay", async () => {
    assert.deepEqual(await totalOf(), bytes(13, 20, 300, 4_000));
    assert.deepEqual(await totalOf({ $case: "accessKeyId", value: "alice" }), bytes(1, 20, 300, 4_000));
    assert.deepEqual(await totalOf({ $case: "port", value: 8388 }), bytes(13, 20, 300, 4_000));
    assert.deepEqual(await totalOf({ $case: "memberId", value: "relay-1" }), bytes(13, 20, 300, 4_000));
  });

  it("of a deleted key stays, of one without traffic is zero, of one that never was is not found", async () => {
    assert.deepEqual(await totalOf({ $case: "accessKeyId", value: "gone" }), bytes(7, 0, 0, 0));
    assert.deepEqual(await totalOf({ $case: "accessKeyId", value: "quiet" }), bytes(0, 0, 0, 0));
    for (const subject of [
      { $case: "accessKeyId", value: "nobody" },
      { $case: "port", value: 1234 },
    ]) {
      assert.equal((await failureOf(totalOf(subject))).status, "NOT_FOUND");
    }
    for (const [subject, field] of [
      [{ $case: "accessKeyId", value: "" }, "subject.access_key_id"],
      [{ $case: "port", value: 70_000 }, "subject.port"],
      [{ $case: "memberId", value: "" }, "subject.member_id"],
    ] as const) {
      assert.deepEqual(
        (await failureOf(totalOf(subject))).fields.map((violation) => violation.field),
        [field],
      );
    }
  });

  it("is listed by access key in pages", async () => {
    const first = await call(fleet.clients.traffic, "listTraffic", { pageSize: 2 });
    const second = await call(fleet.clients.traffic, "listTraffic", { pageSize: 2, pageToken: first.nextPageToken });
    assert.deepEqual(
      [...first.traffic, ...second.traffic].map(({ subject }) => subject),
      ["alice", "bob", "gone"],
    );
    assert.equal(second.nextPageToken, "");
    assert.equal((await failureOf(call(fleet.clients.traffic, "listTraffic", { pageToken: "!" }))).code, "INVALID_REQUEST");
  });

  it("goes on counting after a reset, which only moves the mark", async () => {
    const reset = await call(fleet.clients.traffic, "resetTraffic", { accessKeyId: "bob" });
    assert.deepEqual([reset.traffic!.total, reset.traffic!.sinceReset], [bytes(5, 0, 0, 0), bytes(0, 0, 0, 0)]);
    assert.ok(Math.abs(reset.traffic!.resetTime!.getTime() - Date.now()) < 5_000);
    await relay("bob", [0, 2, 0, 0]);
    const { traffic } = await call(fleet.clients.traffic, "getTraffic", { subject: { subject: { $case: "accessKeyId", value: "bob" } } });
    assert.deepEqual([traffic!.total, traffic!.sinceReset], [bytes(5, 2, 0, 0), bytes(0, 2, 0, 0)]);
    assert.equal((await failureOf(call(fleet.clients.traffic, "resetTraffic", { accessKeyId: "nobody" }))).status, "NOT_FOUND");
  });

  it("comes in hours, empty ones left out", async () => {
    const list = (request: object) => call(fleet.clients.traffic, "listTrafficBuckets", { accessKeyId: "alice", ...request });
    await relay("alice", [2, 0, 0, 0]);
    const { buckets } = await list({});
    assert.deepEqual(
      buckets.map((bucket) => bucket.bytes),
      [bytes(1, 20, 300, 4_000), bytes(2, 0, 0, 0)],
    );
    for (const { startTime } of buckets) assert.equal(startTime!.getTime() % HOUR_MS, 0);
    const { buckets: early } = await list({ endTime: new Date(buckets[1]!.startTime!) });
    assert.equal(early.length, 1);
    const { buckets: late } = await list({ startTime: new Date(buckets[1]!.startTime!.getTime() + 1) });
    assert.equal(late.length, 1, "the start is rounded down");
    assert.equal((await list({ startTime: new Date(0) })).buckets.length, 2);
    const failure = await failureOf(list({ startTime: new Date(), endTime: new Date(Date.now() - 1) }));
    assert.deepEqual(
      failure.fields.map(({ field }) => field),
      ["start_time"],
    );
    assert.equal((await failureOf(list({ accessKeyId: "nobody" }))).status, "NOT_FOUND");
    assert.deepEqual(
      (await failureOf(list({ accessKeyId: "" }))).fields.map(({ field }) => field),
      ["access_key_id"],
    );
  });

  it("is watched: everything at first, then what grew and how fast", async () => {
    const rates: TrafficRate[][] = [];
    const stream = fleet.clients.traffic.watchTraffic({ accessKeyId: "", interval: undefined });
    stream.on("error", () => {});
    stream.on("data", (message: WatchTrafficResponse) => rates.push(message.rates));
    await eventually("the first message", () => rates.length === 1);
    assert.deepEqual(
      rates[0]!.map(({ traffic, upBytesPerSecond }) => [traffic!.subject, upBytesPerSecond]),
      [
        ["alice", 0],
        ["bob", 0],
        ["gone", 0],
      ],
    );
    await relay("bob", [10_000, 0, 0, 500]);
    await eventually("what grew", () => rates.length === 2);
    const [grown] = rates[1]!;
    assert.deepEqual([rates[1]!.length, grown!.traffic!.subject], [1, "bob"]);
    assert.ok(grown!.upBytesPerSecond > 10_000, `within less than a second: ${grown!.upBytesPerSecond}`);
    assert.ok(Math.abs(grown!.upBytesPerSecond / grown!.downBytesPerSecond - 20) < 1e-6);
    stream.cancel();
  });

  it("is watched for one key, at intervals between one second and sixty", async () => {
    const open = (request: { accessKeyId: string; interval: { seconds: bigint; nanos: number } | undefined }) => {
      const messages: WatchTrafficResponse[] = [];
      const stream = fleet.clients.traffic.watchTraffic(request);
      const failed = new Promise<number>((resolve) => stream.on("error", (error: { code?: number }) => resolve(error.code ?? 0)));
      stream.on("data", (message: WatchTrafficResponse) => messages.push(message));
      return { messages, failed, cancel: () => stream.cancel() };
    };
    const one = open({ accessKeyId: "alice", interval: undefined });
    await eventually("its totals", () => one.messages.length === 1);
    assert.deepEqual(
      one.messages[0]!.rates.map(({ traffic }) => traffic!.subject),
      ["alice"],
    );
    one.cancel();
    for (const interval of [
      { seconds: 61n, nanos: 0 },
      { seconds: -1n, nanos: 0 },
      { seconds: 0n, nanos: 1 },
    ]) {
      assert.equal(await open({ accessKeyId: "", interval }).failed, 3, "INVALID_ARGUMENT");
    }
  });
});
