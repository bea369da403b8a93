import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { freePort, type SocksEndpoint, startEchoTarget, type TcpTarget } from "@shadowfleet/testkit";
import { KEYS, startRelay } from "./flooded-service.ts";
import { floodGateway } from "./gateway-scenarios.ts";
import type { FloodReport, Scale } from "./scenario.ts";
import { addresses, FLOODER, type FloodedRelay, floodTcpRelay, type TcpFloodOptions } from "./tcp-scenarios.ts";
import { floodUdpRelay } from "./udp-scenarios.ts";

/** The long form, with the services' own caps and a table, is `node test/floods/run.ts`. */
const SHORT: Scale = { seconds: 2, quietSeconds: 1.5 };
const CAPS_ONLY: Scale = { seconds: 1, quietSeconds: 0 };
const ROUNDS = 6;
const MOST_RISE = 3;
const MIB = 2 ** 20;
const HANDSHAKE_MS = 1_000;

const LIMITS = { strangersPerSource: 60, strangers: 200 };
/** Descriptors of a relay that serves nobody, and those of honest clients and their targets. */
const OTHER_DESCRIPTORS = 120;

function assertAllServed({ groups }: FloodReport): void {
  for (const { name, flooded } of groups) {
    assert.ok(flooded.tried > 0);
    assert.equal(flooded.served, flooded.tried, `${name}: ${flooded.tried - flooded.served} not served`);
  }
}

/**
 * The most, over groups, that the median and the p99 rose by: the best round during the flood against the worst before it, since what else the
 * machine does only ever adds.
 */
function riseOf(rounds: readonly FloodReport[]): number {
  const rises = rounds[0]!.groups.flatMap((_, at) =>
    (["p50", "p99"] as const).map((figure) => {
      const flooded = rounds.map(({ groups }) => groups[at]!.flooded[figure]);
      const quiet = rounds.map(({ groups }) => groups[at]!.quiet[figure]);
      return Math.min(...flooded) / Math.max(...quiet);
    }),
  );
  return Math.max(...rises);
}

const WRONG: TcpFloodOptions = {
  name: "wrong handshakes",
  flood: { kind: "wrong-handshakes", sources: [FLOODER], perSecond: 300, maxOpen: 2000 },
};

async function startFloodedRelay(target: SocksEndpoint, limits: object): Promise<FloodedRelay & { readonly relay: AsyncDisposable }> {
  const relay = await startRelay("tcp-relay", await freePort(), { limits, timeouts: { handshake: `${HANDSHAKE_MS}ms` } });
  return { relay, target, handshakeMs: HANDSHAKE_MS };
}

describe("floods", { timeout: 240_000 }, () => {
  let target: TcpTarget;
  let flooded: FloodedRelay & { readonly relay: AsyncDisposable };

  before(async () => {
    target = await startEchoTarget();
    flooded = await startFloodedRelay(target, LIMITS);
  });
  after(async () => {
    await flooded.relay[Symbol.asyncDispose]();
    await target.close();
  });

  test("wrong handshakes from one address cost an honest client less than three times its time, and its neighbour gets in", async () => {
    const rounds: FloodReport[] = [];
    while (rounds.length === 0 || (rounds.length < ROUNDS && riseOf(rounds) > MOST_RISE)) {
      const report = await floodTcpRelay(WRONG, flooded, SHORT);
      assertAllServed(report);
      assert.equal(report.flood.answeredBytes, 0);
      const { AUTH_FAILED = 0, TRIAL_LIMIT = 0 } = report.outcomes;
      // Two seconds' worth and what came meanwhile, on a machine however slow; the flood's address has one key that is tried besides.
      const searches = Math.ceil((1000 * (2 + 30)) / (KEYS - 1));
      assert.ok(AUTH_FAILED >= 3 && AUTH_FAILED <= searches, `${AUTH_FAILED} searches`);
      assert.ok(TRIAL_LIMIT > report.flood.sent / 2, `${TRIAL_LIMIT} of ${report.flood.sent} were not searched for`);
      rounds.push(report);
    }
    assert.ok(riseOf(rounds) <= MOST_RISE, `rose ${riseOf(rounds).toFixed(1)} times`);
  });

  test("without the budget the same flood is felt: the measurement can fail", async () => {
    const unlimited = await startFloodedRelay(target, { keyTrialsPerSource: 1e9, keyTrials: 1e9 });
    await using _relay = unlimited.relay;
    const report = await floodTcpRelay({ ...WRONG, flood: { ...WRONG.flood, perSecond: 600 } }, unlimited, { seconds: 1, quietSeconds: 1 });
    assert.equal(report.outcomes.TRIAL_LIMIT, 0);
    assert.ok(riseOf([report]) > MOST_RISE, `rose only ${riseOf([report]).toFixed(1)} times`);
  });

  for (const kind of ["silent-connections", "half-handshakes"] as const) {
    test(`${kind}: strangers stay under their cap, the oldest gives way, honest clients are served`, async () => {
      const flood = { kind, sources: addresses(8), perSecond: 400, maxOpen: 2000 };
      const report = await floodTcpRelay({ name: kind, flood }, flooded, CAPS_ONLY);
      assertAllServed(report);
      const { held, left, usage, rssBeforeBytes, outcomes, flood: seen } = report;
      assert.ok(held > LIMITS.strangers / 2 && held <= LIMITS.strangers, `${held} strangers`);
      assert.ok(usage.peakDescriptors <= LIMITS.strangers + OTHER_DESCRIPTORS, `${usage.peakDescriptors} descriptors`);
      assert.ok(usage.peakRssBytes - rssBeforeBytes < 64 * MIB, `${(usage.peakRssBytes - rssBeforeBytes) / MIB} MiB more`);
      assert.ok(outcomes.HANDSHAKE_LIMIT! > 0);
      assert.deepEqual([seen.refused, seen.answeredBytes, left], [0, 0, 0]);
    });
  }

  test("slow-drip: each is ended at the deadline, however busily it sends", async () => {
    const flood = { kind: "slow-drip" as const, sources: addresses(8), perSecond: 60, maxOpen: 2000 };
    const report = await floodTcpRelay({ name: "slow-drip", flood }, flooded, CAPS_ONLY);
    assertAllServed(report);
    const { held, left, outcomes, flood: seen } = report;
    assert.ok(held > 20 && held <= LIMITS.strangers, `${held} strangers`);
    assert.ok(outcomes.HANDSHAKE_TIMEOUT! > 20, `${outcomes.HANDSHAKE_TIMEOUT} at their deadline`);
    assert.ok(seen.closedByRelay > 20 && seen.answeredBytes === 0 && left === 0, JSON.stringify(seen));
  });

  test("UDP sessions of one key from ever other ports displace one another, and no session of another key", async () => {
    const limits = { udpSessionsPerKey: 64, udpSessions: 128 };
    const flood = { kind: "udp-sessions", perSecond: 300, maxOpen: 400 } as const;
    const report = await floodUdpRelay({ name: "UDP sessions", flood, limits }, CAPS_ONLY);
    assertAllServed(report);
    assert.equal(report.honestPorts, 1, "the honest client's association was kept");
    assert.equal(report.held, 1 + limits.udpSessionsPerKey);
    assert.ok(report.displaced > 100, `${report.displaced} displaced`);
    assert.ok(report.usage.peakDescriptors <= limits.udpSessionsPerKey + OTHER_DESCRIPTORS, `${report.usage.peakDescriptors} descriptors`);
  });

  test("unfinished requests at the gateway stay under their cap, and apps are served", async () => {
    const limits = { handshakes: 100 };
    const report = await floodGateway({ name: "gateway", perSecond: 250, limits }, flooded, CAPS_ONLY);
    assertAllServed(report);
    assert.ok(report.held > 50 && report.held <= limits.handshakes + 10, `${report.held} connections`);
    assert.ok(report.outcomes.HANDSHAKE_LIMIT! > 100, `${report.outcomes.HANDSHAKE_LIMIT} gave way`);
    assert.equal(report.flood.refused, 0);
  });
});
