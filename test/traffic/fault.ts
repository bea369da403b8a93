import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "@shadowfleet/testkit";
import { Account } from "./account.ts";
import type { FaultFigures } from "./fault-figures.ts";
import type { Flow } from "./flow.ts";
import { Load } from "./load.ts";
import type { LoadedFleet } from "./loaded-fleet.ts";
import type { ShortConnection } from "./short-connections.ts";

/** An upload and a download on each relay. */
const PAIRS = 1;
const BEFORE_MS = 1_000;
/** So long in a row everything has to go well before the fault counts as got over. */
const WELL_MS = 1_500;
const RECOVERY_DEADLINE_MS = 60_000;
const SETTLE_DEADLINE_MS = 15_000;
/** Counters that will not reach what was received are not waited for longer than a few flush intervals. */
const SETTLE_INEXACT_MS = 4_000;

export interface Fault {
  readonly name: string;
  /** Whether bytes may be missing from the counters for good. Default false. */
  readonly losesCounts?: boolean;
  /** Breaks something, waits, and repairs it; resolves when it is repaired. May end the long sessions of the load that it is given. */
  readonly happen: (flows: readonly Flow[]) => Promise<void>;
  /** Payload bytes that clients of its own received: they are on the books too. */
  readonly received?: () => number;
}

export interface MeasureOptions {
  /** After so long a datagram counts as unanswered. Default 5 s. */
  readonly answerWaitMs?: number;
}

/** Puts load on the fleet, lets the fault happen, waits until all goes well again, and balances the counters. */
export async function measure(fleet: LoadedFleet, fault: Fault, { answerWaitMs }: MeasureOptions = {}): Promise<FaultFigures> {
  await closeCircuits(fleet);
  const account = await Account.open(fleet);
  await using load = await Load.start(fleet, { pairs: PAIRS, ...(answerWaitMs ? { answerWaitMs } : {}) });
  await eventually("every flow to run", () => load.flows.every((flow) => flow.moved > 0), RECOVERY_DEADLINE_MS);
  const before = load.moved;
  await sleep(BEFORE_MS);
  const bytesPerSecond = ((load.moved - before) / BEFORE_MS) * 1000;
  const brokenMs = performance.now();
  await fault.happen(load.flows);
  const repairedMs = performance.now();
  await eventually("everything to go well again", () => hasBeenWell(load, repairedMs), RECOVERY_DEADLINE_MS);
  const lost = load.lost.length;
  await load.finish();
  const received = load.received + (fault.received?.() ?? 0);
  const balance = await account.close(received, fault.losesCounts ? SETTLE_INEXACT_MS : SETTLE_DEADLINE_MS);
  const answersLost = await account.answersLost(load.datagrams.received);
  const { finished, failed, late } = load.short;
  return {
    fault: fault.name,
    lastedMs: repairedMs - brokenMs,
    flows: { kept: load.flows.length - lost, lost },
    short: {
      total: finished.length,
      failed: failed.length,
      late: late.length,
    },
    datagrams: { total: load.datagrams.sent, unanswered: load.datagrams.lostStartsMs.length },
    recoveredMs: recoveryOf(load, brokenMs),
    datagramsRecoveredMs: Math.max(0, (load.datagrams.lostStartsMs.at(-1) ?? 0) - brokenMs),
    balance,
    answersLost,
    bytesPerSecond,
  };
}

/** A circuit that an earlier fault opened would keep half of the load from its relay. */
async function closeCircuits(fleet: LoadedFleet): Promise<void> {
  const { upstreams } = fleet.api.clients;
  for (const id of fleet.upstreamIds) await fleet.api.call(upstreams, upstreams.resetCircuit, { id });
  await eventually("failCnt to be 0", async () =>
    (await Promise.all(fleet.upstreamIds.map((id) => fleet.api.failCount(id)))).every((n) => n === 0),
  );
}

/** Late is well enough here, for that may be the machine's doing. */
function hasBeenWell({ short, datagrams }: Load, sinceMs: number): boolean {
  const fromMs = Math.max(sinceMs, short.failed.at(-1)?.startedMs ?? 0, datagrams.lostStartsMs.at(-1) ?? 0);
  return short.succeeded.some(({ startedMs }) => startedMs > fromMs) && performance.now() - fromMs > WELL_MS;
}

/** From the fault to the start of the first short connection with none behind it that failed or was late; 0 when none was. */
function recoveryOf({ short }: Load, brokenMs: number): number {
  const isBad = ({ startedMs, tookMs, outcome }: ShortConnection): boolean => startedMs + tookMs >= brokenMs && outcome !== "ok";
  const lastBad = short.finished.findLastIndex(isBad);
  if (lastBad === -1) return 0;
  return (short.finished[lastBad + 1] ?? short.finished[lastBad]!).startedMs - brokenMs;
}
