import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ProbeResult, redisMissingReason } from "@shadowfleet/testkit";
import { runCampaign } from "./campaign.ts";
import { differences, type ProbeRow, rowsOf } from "./probe-table.ts";
import { ProbedFleet, type ProbedPort } from "./probed-fleet.ts";

const HANDSHAKE_MS = 2_000;
const RACES = 30;
const reason = redisMissingReason();

describe("two relays of a fleet", reason === undefined ? { timeout: 240_000 } : { skip: reason }, () => {
  let fleet: ProbedFleet;

  before(async () => {
    fleet = await ProbedFleet.start({ handshakeMs: HANDSHAKE_MS });
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  const countedAtBoth = async (series: string, labels: string): Promise<number> =>
    (await fleet.counted(0, series, labels)) + (await fleet.counted(1, series, labels));
  const claims = (outcome: string): Promise<number> => countedAtBoth("shadowsocks_replay_shared_claims_total", `outcome="${outcome}"`);

  /** Sends a request and its end; true when it was served. */
  async function isServed(relay: number, port: ProbedPort, request: Buffer): Promise<boolean> {
    const { received, close }: ProbeResult = await fleet.probe(relay, port, { pieces: [request], fin: true });
    assert.equal(close, "fin");
    return received.length > 0;
  }

  test("a prober finds nothing that tells one cause of failure from another", async (t) => {
    const rows = rowsOf(await runCampaign(fleet, { seed: 1, delaysS: [0, 1] }));
    assert.deepEqual(differences(rows, HANDSHAKE_MS), []);
    const total = rows.reduce((sum, { count }) => sum + count, 0);
    assert.ok(total > 5_000 && rows.length > 70, `${total} connections, ${rows.length} rows`);
    t.diagnostic(`${total} connections in ${rows.length} rows`);
    for (const port of fleet.ports) for (const relay of [0, 1]) assert.ok(await isServed(relay, port, fleet.request(port.credential)));
  });

  test("of the same first bytes at both at the same moment exactly one is served", async () => {
    const seenBefore = await claims("REPLAYED");
    for (const port of fleet.ports) {
      const served = await Promise.all(
        Array.from({ length: RACES }, async () => {
          const request = fleet.request(port.credential);
          const both = await Promise.all([0, 1].map((relay) => isServed(relay, port, request)));
          return both.filter((one) => one).length;
        }),
      );
      assert.deepEqual(served, Array(RACES).fill(1), port.method);
    }
    assert.equal((await claims("REPLAYED")) - seenBefore, fleet.ports.length * RACES);
  });

  test("Redis does not answer: clients are served, each of them counted; what it knows afterwards is refused again", async () => {
    const requests = fleet.ports.flatMap((port) => Array.from({ length: 10 }, () => ({ port, request: fleet.request(port.credential) })));
    const unavailableBefore = await claims("REPLAY_UNCHECKED");
    fleet.redis.pause();
    try {
      const served = await Promise.all(requests.map(({ port, request }) => isServed(0, port, request)));
      assert.ok(served.every((one) => one));
      assert.equal((await claims("REPLAY_UNCHECKED")) - unavailableBefore, requests.length);
      // The relay's own filter needs nobody.
      const again = await Promise.all(requests.map(({ port, request }) => isServed(0, port, request)));
      assert.ok(again.every((one) => !one));
    } finally {
      fleet.redis.resume();
    }
  });
});

test("the comparison can fail: bytes, resets, early and late closes, medians apart", () => {
  const row: ProbeRow = {
    method: "m",
    cause: "c",
    ending: "waits",
    count: 2,
    bytes: 0,
    closes: { fin: 2, rst: 0, none: 0 },
    minMs: 2_000,
    medianMs: 2_100,
    maxMs: 2_200,
  };
  const problemsOf = (...changed: readonly Partial<ProbeRow>[]) => differences([row, ...changed.map((one) => ({ ...row, ...one }))], 2_000);
  assert.deepEqual(problemsOf({}, { ending: "ends", minMs: 1, medianMs: 2, maxMs: 3 }), []);
  assert.deepEqual(problemsOf({ ending: "writes on", closes: { fin: 1, rst: 1, none: 0 } }), []);
  for (const bad of [
    { bytes: 1 },
    { closes: { fin: 1, rst: 1, none: 0 } },
    { closes: { fin: 1, rst: 0, none: 1 } },
    { ending: "writes on", closes: { fin: 1, rst: 0, none: 1 } },
    { minMs: 3 },
    { maxMs: 9_000 },
    { medianMs: 2_800 },
  ] as const) {
    assert.equal(problemsOf(bad).length, 1, JSON.stringify(bad));
  }
});
