import { startNodeScript } from "@shadowfleet/testkit";
import type { FloodPlan, FloodResult } from "./generator/flood-plan.ts";

/** A flood is given up when it takes so much longer than planned. */
const LATE_MS = 30_000;

export interface RunningFlood extends AsyncDisposable {
  /** Settles when the flood is over. */
  readonly result: Promise<FloodResult>;
}

/** Starts a flood in a process of its own and waits until it has begun. */
export async function startFlood(plan: FloodPlan): Promise<RunningFlood> {
  const program = startNodeScript(new URL("./generator/flood-process.ts", import.meta.url), [JSON.stringify(plan)]);
  await program.waitForLine(/^begun$/, LATE_MS);
  const result = program.waitForLine(/^result (.*)$/, plan.seconds * 1000 + LATE_MS).then(([, json]) => JSON.parse(json!) as FloodResult);
  // Whoever leaves early does not want to hear of it.
  result.catch(() => {});
  return { result, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}
