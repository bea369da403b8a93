import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosFault } from "../chaos/chaos-fault.ts";
import { ChaosFleet } from "../chaos/chaos-fleet.ts";
import { allFaults } from "../chaos/faults/all-faults.ts";
import { type FleetProcess, startService } from "../fleet-process.ts";
import { Churn } from "./churn.ts";
import { type Left, leftOf } from "./left.ts";
import { Sampler } from "./sampler.ts";
import { judge, type Verdict } from "./series.ts";

export interface SoakPlan {
  /** Churn before the first quiet reading. */
  readonly warmUpS: number;
  /** Churn after it, before figures count: until as many UDP sessions and salts are kept as such churn makes. */
  readonly rampS: number;
  readonly lastsS: number;
  readonly sampleEveryS: number;
  /** Ids of what fails meanwhile, in turn; of parts whose processes are not watched, or that outlive it. */
  readonly faults: readonly string[];
  readonly faultEveryS: number;
  /** After the churn, until what idles has ended: UDP sessions of 2022 methods after 60 s, of others after 3 s, silent connections after 2 s. */
  readonly quietS: number;
  /** Default: one of SIP022. */
  readonly method?: string;
}

export interface SoakReport {
  /** By figure of each part. */
  readonly verdicts: readonly Verdict[];
  /** What was open when all was quiet again and had not been at the start. */
  readonly left: readonly Left[];
  readonly done: ReadonlyMap<string, number>;
  readonly failed: ReadonlyMap<string, number>;
  readonly faults: number;
}

/** The part that leaks, so that it can be seen that leaks are. */
export const LEAKING = "leaking stand-in";
const LEAKING_MAIN = `${import.meta.dirname}/leaking-service.ts`;
const FAULT_LASTS_MS = 1_000;
/** Room for all that is written to the append-only file meanwhile. */
const DISK_SIZE = 1_024;

/** A fleet whose connections, UDP sessions, keys and ports come and go while things fail; what it holds is watched. */
export async function soak(plan: SoakPlan): Promise<SoakReport> {
  await using chaos = await ChaosFleet.start({ diskSize: DISK_SIZE, ...(plan.method === undefined ? {} : { method: plan.method }) });
  await using leaking = await startService("tcp-relay", { ports: [{ port: 0, password: "nobody" }] }, [], { main: LEAKING_MAIN });
  const sampler = new Sampler(watched(chaos, leaking), chaos.store.redis);
  await churnFor(chaos, plan.warmUpS);
  await sleep(plan.quietS * 1000);
  const before = await sampler.read();
  await using churn = await Churn.start(chaos);
  const faults = new Failing(chaos, plan);
  await sleep(plan.rampS * 1000);
  const untilMs = performance.now() + plan.lastsS * 1000;
  while (performance.now() < untilMs) {
    await sampler.sample();
    await sleep(plan.sampleEveryS * 1000);
  }
  await faults.stop();
  await churn.stop();
  await sleep(plan.quietS * 1000);
  const left = leftOf(before, await sampler.read());
  return { verdicts: sampler.series.map(judge), left, done: churn.done, failed: churn.failed, faults: faults.count };
}

async function churnFor(chaos: ChaosFleet, seconds: number): Promise<void> {
  await using _churn = await Churn.start(chaos);
  await sleep(seconds * 1000);
}

/** The processes that no fault ends. */
function watched({ fleet, gateway }: ChaosFleet, leaking: FleetProcess): ReadonlyMap<string, FleetProcess> {
  return new Map([
    ["gateway", gateway.process],
    ["tcp-relay", fleet.tcpRelays[0]!.process],
    ["udp-relay", fleet.udpRelays[0]!.process],
    ["management", fleet.managements[0]!.process],
    [LEAKING, leaking],
  ]);
}

/** One fault after the other, in turn. */
class Failing {
  count = 0;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;

  constructor(chaos: ChaosFleet, { faults, faultEveryS }: SoakPlan) {
    const known = allFaults(chaos, FAULT_LASTS_MS);
    const chosen = faults.map((id) => known.find((fault) => fault.id === id)!);
    this.#loop = this.#run(chosen, faultEveryS);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(faults: readonly ChaosFault[], everyS: number): Promise<void> {
    const { signal } = this.#stopping;
    while (faults.length > 0 && !signal.aborted) {
      await sleep(everyS * 1000, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await faults[this.count % faults.length]!.happen([]);
      this.count++;
    }
  }
}
