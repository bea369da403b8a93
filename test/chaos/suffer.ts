import { measure } from "../traffic/fault.ts";
import type { FaultFigures } from "../traffic/fault-figures.ts";
import type { ChaosFault } from "./chaos-fault.ts";
import type { ChaosFleet } from "./chaos-fleet.ts";
import { type Limits, violations } from "./limits.ts";

/** On loopback an answer is there in a millisecond, unless the machine has too much to do. */
const ANSWER_WAIT_MS = 3_000;

export interface ChaosResult {
  readonly figures: FaultFigures;
  readonly limits: Limits;
  /** Limits that were not kept, in words. */
  readonly broken: readonly string[];
}

/** Lets the fault happen under load and judges what it cost. */
export async function suffer(chaos: ChaosFleet, fault: ChaosFault): Promise<ChaosResult> {
  const { limits } = fault;
  const figures = await measure(chaos, fault, { answerWaitMs: ANSWER_WAIT_MS });
  return { figures, limits, broken: violations(figures, limits) };
}
