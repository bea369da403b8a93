import { availableParallelism } from "node:os";
import { z } from "zod";

/** Environment variable by which the first process of a group tells a worker which one it is: "2/4". */
export const SEAT_VARIABLE = "SHADOWFLEET_WORKER";
/** Beyond it the parts of one machine are better run as members of their own. */
const MOST_WORKERS = 128;

/** Which worker process of a group this is. */
export interface WorkerSeat {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/** `workers` of a configuration: how many processes serve side by side on the same ports; `auto`, one for each core there is. */
export const workersSchema = z
  .union([z.literal("auto"), z.int().min(1).max(MOST_WORKERS)], { error: `must be auto or a number from 1 to ${MOST_WORKERS}` })
  .default(1);

/** `workers` as a number. `auto` follows what the process may use: its CPU affinity and its control group's quota. */
export function workerCount(workers: "auto" | number, cores: number = availableParallelism()): number {
  return workers === "auto" ? Math.min(MOST_WORKERS, Math.max(1, cores)) : workers;
}

/** Undefined in a process that serves by itself, and in the first process of a group. */
export function workerSeat(environment: NodeJS.ProcessEnv = process.env): WorkerSeat | undefined {
  const match = /^(\d+)\/(\d+)$/.exec(environment[SEAT_VARIABLE] ?? "");
  return match ? { index: Number(match[1]), count: Number(match[2]) } : undefined;
}
