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
    for (const port of fleet.ports) for (const relay of [0, 1]) await fleet.serve(relay, port);
  });

  test("of the same first bytes at both at the same moment exactly one is served", async () => {
    const [seenBefore, uncheckedBefore] = [await claims("REPLAYED"), await claims("REPLAY_UNCHECKED")];
    let served = 0;
    for (const port of fleet.ports) {
      const races = Array.from({ length: RACES }, async () => {
        const request = fleet.request(port.credential);
        const both = await Promise.all([0, 1].map((relay) => isServed(relay, port, request)));
        assert.notDeepEqual(both, [true, true], "both served it");
        if (both.includes(true)) served++;
      });
      await Promise.all(races);
    }
    // On a machine so busy that Redis is late, a race may have no winner.
    const unchecked = (await claims("REPLAY_UNCHECKED")) - uncheckedBefore;
    const races = fleet.ports.length * RACES;
    assert.ok(served >= races - unchecked && served > races / 2, `${served} of ${races} served, ${unchecked} unchecked`);
    assert.ok((await claims("REPLAYED")) - seenBefore >= races - unchecked);
  });

  test("Redis does not answer: clients are refused or, where that is set, served, and each of them counted", async () => {
    const requests = () =>
      fleet.ports.flatMap((port) => Array.from({ length: 10 }, () => ({ port, request: fleet.request(port.credential) })));
    const fates = (all: ReturnType<typeof requests>) => Promise.all(all.map(({ port, request }) => isServed(0, port, request)));
    const uncheckedBefore = await claims("REPLAY_UNCHECKED");
    fleet.redis.pause();
    try {
      assert.ok((await fates(requests())).every((isIn) => !isIn));
      await fleet.reconfigure(0, { sharedReplay: { whenUnavailable: "accept" } });
      const known = requests();
      assert.ok((await fates(known)).every((isIn) => isIn));
      // The relay's own filter needs nobody.
      assert.ok((await fates(known)).every((isIn) => !isIn));
      assert.equal((await claims("REPLAY_UNCHECKED")) - uncheckedBefore, 2 * known.length);
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
    times: Array.from({ length: 200 }, (_, at) => 2_000 + at),
  };
  const problemsOf = (...changed: readonly Partial<ProbeRow>[]) => differences([row, ...changed.map((one) => ({ ...row, ...one }))], 2_000);
  assert.deepEqual(problemsOf({}, { ending: "ends", times: [1, 2, 3] }), []);
  assert.deepEqual(problemsOf({ ending: "writes on", closes: { fin: 1, rst: 1, none: 0 } }), []);
  for (const bad of [
    { bytes: 1 },
    { closes: { fin: 1, rst: 1, none: 0 } },
    { closes: { fin: 1, rst: 0, none: 1 } },
    { ending: "writes on", closes: { fin: 1, rst: 0, none: 1 } },
    { times: [3, 2_100, 2_200] },
    { times: [2_000, 2_100, 14_000] },
    { times: [2_700, 2_800, 2_900] },
  ] as const) {
    assert.equal(problemsOf(bad).length, 1, JSON.stringify(bad));
  }
});
