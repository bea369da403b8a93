import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  GetTrafficResponse,
  ListTrafficBucketsResponse,
  ListTrafficResponse,
  Traffic,
  TrafficServiceService,
} from "@shadowfleet/control-api";
import { documentOf, NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";

const { listTraffic, getTraffic, listTrafficBuckets, resetTraffic } = TrafficServiceService;
const HOUR_MS = 3_600_000;

const total = { tcpUpBytes: 1_500n, tcpDownBytes: 2n ** 60n, udpUpBytes: 0n, udpDownBytes: 25n };
const alice = Traffic.fromPartial({ subject: "alice", total, sinceReset: total });
const reset = Traffic.fromPartial({ ...alice, subject: "bob", sinceReset: { tcpUpBytes: 7n }, resetTime: new Date(NOW_MS) });
const COUNTS = { tcpUpBytes: 1500, tcpDownBytes: 2 ** 60, udpUpBytes: 0, udpDownBytes: 25 };

describe("traffic", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(getTraffic, ({ subject }) =>
      GetTrafficResponse.fromPartial({ traffic: { ...alice, subject: String(subject?.subject?.value ?? "") } }),
    );
    fleet.answer(listTraffic, ({ pageToken }) =>
      ListTrafficResponse.fromPartial(pageToken === "" ? { traffic: [alice], nextPageToken: "2" } : { traffic: [reset] }),
    );
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  test("of all has a row an access key and the fleet's own as the last", async () => {
    assert.equal(
      (await runAgainst(fleet, ["traffic"])).out,
      [
        "ACCESS KEY   TCP UP  TCP DOWN  UDP UP  UDP DOWN    TOTAL  SINCE RESET",
        "alice       1.50 kB   1.15 EB     0 B      25 B  1.15 EB            -",
        "bob         1.50 kB   1.15 EB     0 B      25 B  1.15 EB          7 B",
        "(fleet)     1.50 kB   1.15 EB     0 B      25 B  1.15 EB",
        "",
      ].join("\n"),
    );
  });

  test("every digit is there with --exact, and always in JSON", async () => {
    const exact = await runAgainst(fleet, ["traffic", "--exact"]);
    assert.match(exact.out, /^alice +1500 +1152921504606846976 +0 +25 +1152921504606848501 +-$/m);
    const json = await runAgainst(fleet, ["traffic", "-o", "json"]);
    assert.match(json.out, /"tcpDownBytes": 1152921504606846976,/);
    assert.deepEqual(documentOf(json), {
      accessKeys: [
        { subject: "alice", total: COUNTS, sinceReset: COUNTS, resetTime: null },
        {
          subject: "bob",
          total: COUNTS,
          sinceReset: { tcpUpBytes: 7, tcpDownBytes: 0, udpUpBytes: 0, udpDownBytes: 0 },
          resetTime: "2026-11-23T00:00:00.000Z",
        },
      ],
      fleet: { subject: "", total: COUNTS, sinceReset: COUNTS, resetTime: null },
    });
  });

  const SUBJECTS = [
    [["alice"], { $case: "accessKeyId", value: "alice" }],
    [["--port", "8388"], { $case: "port", value: 8388 }],
    [["--relay", "r1"], { $case: "memberId", value: "r1" }],
  ] as const;
  for (const [argv, subject] of SUBJECTS) {
    test(`${argv.join(" ")} asks for that one`, async () => {
      const { out } = await runAgainst(fleet, ["traffic", ...argv]);
      assert.deepEqual(fleet.requestOf(getTraffic).subject?.subject, subject);
      assert.match(out, new RegExp(`^${subject.value} +TCP UP.*\\nin all +1\\.50 kB .*\\n$`));
    });
  }

  test("since the reset stands below the total", async () => {
    fleet.answer(resetTraffic, () => ({ traffic: reset }));
    const { out } = await runAgainst(fleet, ["traffic", "reset", "bob"]);
    assert.match(out, /^in all +1\.50 kB .*\nsince 2026-\S+ \S+ \S+ +7 B +0 B +0 B +0 B +7 B$/m);
    assert.deepEqual(fleet.requestOf(resetTraffic), { accessKeyId: "bob" });
  });

  test("by hour sums up; hours are local, and the span is asked for", async () => {
    const buckets = [0, 1].map((hour) => ({ startTime: new Date(NOW_MS + hour * HOUR_MS), bytes: { tcpUpBytes: 600n, udpDownBytes: 1n } }));
    fleet.answer(listTrafficBuckets, () => ListTrafficBucketsResponse.fromPartial({ buckets }));
    const { out } = await runAgainst(fleet, ["traffic", "alice", "--by-hour", "--from", "7d", "--to", "2026-11-22T00:00Z"]);
    assert.match(
      out,
      /^HOUR FROM .*\n(2026-11-2\d \S+ \S+ +600 B +0 B +0 B +1 B +601 B\n){2}\(sum\) +1\.20 kB +0 B +0 B +2 B +1\.20 kB\n$/,
    );
    assert.deepEqual(fleet.requestOf(listTrafficBuckets), {
      accessKeyId: "alice",
      startTime: new Date(NOW_MS - 7 * 24 * HOUR_MS),
      endTime: new Date(NOW_MS - 24 * HOUR_MS),
    });
    const json = documentOf(await runAgainst(fleet, ["traffic", "alice", "--by-hour", "-o", "json"])) as { buckets: unknown[] };
    assert.deepEqual(json.buckets[1], {
      startTime: "2026-11-23T01:00:00.000Z",
      bytes: { tcpUpBytes: 600, tcpDownBytes: 0, udpUpBytes: 0, udpDownBytes: 1 },
    });
  });

  for (const argv of [["alice", "--port", "1"], ["--port", "1", "--relay", "r1"], ["--by-hour"], ["alice", "--from", "1d"]]) {
    test(`${argv.join(" ")} cannot be meant`, async () => assert.equal((await runAgainst(fleet, ["traffic", ...argv])).exitCode, 2));
  }
});
