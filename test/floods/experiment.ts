import { setTimeout as sleep } from "node:timers/promises";
import { readUsage } from "../bench/measure/process-usage.ts";
import { startFlood } from "./flood.ts";
import type { FloodedService } from "./flooded-service.ts";
import type { FloodPlan, FloodResult } from "./generator/flood-plan.ts";
import { type HonestGroup, measureGroups } from "./honest-group.ts";
import { figuresOf, type LatencyFigures } from "./latencies.ts";
import { ProcessWatch, type WatchedUsage } from "./process-watch.ts";

/** The flood is under way so long before it is measured. */
const SETTLE_MS = 500;

export interface Experiment {
  readonly service: FloodedService;
  readonly flood: Omit<FloodPlan, "port" | "seconds">;
  /** Clients measured before the flood and during it. */
  readonly groups: (phase: "quiet" | "flooded") => readonly HonestGroup[];
  /** Attempts of all groups together. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Default: as long as the flood is measured. */
  readonly quietSeconds?: number;
  /** Asked while the flood is at its height. */
  readonly atHeight?: () => Promise<void>;
}

export interface GroupFinding {
  readonly name: string;
  readonly quiet: LatencyFigures;
  readonly flooded: LatencyFigures;
}

export interface Finding {
  readonly groups: readonly GroupFinding[];
  readonly flood: FloodResult;
  readonly usage: WatchedUsage;
  readonly rssBeforeBytes: number;
}

/** The same honest clients quiet and during a flood. */
export async function runExperiment(experiment: Experiment): Promise<Finding> {
  const { service, flood, groups, perSecond, seconds, quietSeconds = seconds, atHeight } = experiment;
  const quiet = await measureGroups(groups("quiet"), perSecond, quietSeconds);
  const rssBeforeBytes = readUsage(service.pid).rssBytes;
  await using running = await startFlood({ ...flood, port: service.port, seconds: seconds + (2 * SETTLE_MS) / 1000 });
  await sleep(SETTLE_MS);
  const watch = new ProcessWatch(service.pid);
  const flooded = await measureGroups(groups("flooded"), perSecond, seconds);
  const usage = watch.stop();
  await atHeight?.();
  return {
    groups: quiet.map((latencies, at) => ({ name: latencies.name, quiet: figuresOf(latencies), flooded: figuresOf(flooded[at]!) })),
    flood: await running.result,
    usage,
    rssBeforeBytes,
  };
}
