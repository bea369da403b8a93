import { setTimeout as sleep } from "node:timers/promises";
import { PseudoRandom } from "@shadowfleet/testkit";
import type { ProbedFleet, ProbedPort } from "./probed-fleet.ts";
import { type Ending, endingToo, freshProbes, type Probe, RECORDINGS, recordedProbes, shuffled } from "./recipes.ts";

/** Connections begun together, and the pause before the next ones: a prober that is busy itself measures nothing. */
const BATCH = 10;
const PAUSE_MS = 10;
/** For about as long the other probes are begun. */
const RECORDED_OVER_MS = 6_000;

/** What one connection saw. */
export interface Sighting {
  readonly method: string;
  readonly cause: string;
  readonly ending: Ending;
  readonly bytes: number;
  readonly close: "fin" | "rst" | "none";
  /** From the beginning of the connection; where the prober ends its direction, that is the same moment. */
  readonly closedAfterMs: number;
}

export interface CampaignOptions {
  readonly seed: number;
  /** How long after it was recorded a stream is replayed. */
  readonly delaysS: readonly number[];
}

/** All probes against all ports of both relays, thousands at a time, causes mixed. */
export async function runCampaign(fleet: ProbedFleet, { seed, delaysS }: CampaignOptions): Promise<Sighting[]> {
  const random = new PseudoRandom(seed);
  const fresh: Probe[] = [];
  for (const port of fleet.ports) fresh.push(...(await freshProbes(fleet, port, random)));
  const replays = delaysS.flatMap((delayS) => fleet.ports.map((port) => replayLater(fleet, port, delayS)));
  return (await Promise.all([begin(fleet, shuffled([...fresh, ...endingToo(fresh)], random)), ...replays])).flat();
}

/** Streams are recorded one by one while the other probes go on, so that no cause has a moment of its own. */
async function replayLater(fleet: ProbedFleet, port: ProbedPort, delayS: number): Promise<Sighting[]> {
  const replays = Array.from({ length: RECORDINGS }, async (_, at) => {
    await sleep((at * RECORDED_OVER_MS) / RECORDINGS);
    const probes = await recordedProbes(fleet, port, delayS, at);
    await sleep(delayS * 1000);
    return Promise.all(probes.map((probe) => sight(fleet, probe)));
  });
  return (await Promise.all(replays)).flat();
}

async function begin(fleet: ProbedFleet, probes: readonly Probe[]): Promise<Sighting[]> {
  const begun: Promise<Sighting>[] = [];
  for (const [at, probe] of probes.entries()) {
    if (at % BATCH === BATCH - 1) await sleep(PAUSE_MS);
    begun.push(sight(fleet, probe));
  }
  return Promise.all(begun);
}

async function sight(fleet: ProbedFleet, { port, relay, cause, pieces, gapMs, ending }: Probe): Promise<Sighting> {
  const made = pieces();
  const startedMs = performance.now();
  const options = { pieces: made, fin: ending === "ends", ...(gapMs === undefined ? {} : { pieceGapMs: gapMs }) };
  const { received, close } = await fleet.probe(relay, port, options);
  return { method: port.method, cause, ending, bytes: received.length, close, closedAfterMs: performance.now() - startedMs };
}
