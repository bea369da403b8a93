import type { Scenario } from "./scenario.ts";
import { DROPPED_WINDOW_MS, PAUSE_MS, type Timing, warmUpOf } from "./timing.ts";

/** Starting the hops of one side until they serve. */
const START_MS = 3_000;
/** Starting the generator, opening its connections, reading its result. */
const RUN_OVERHEAD_MS = 150;
/** Connections that the idle scenario opens per millisecond, on a slow day. */
const OPENED_PER_MS = 1;

/** How long the scenarios will take, roughly; an upper bound when each side has only some of the methods. */
export function estimateSeconds(scenarios: readonly Scenario[], sides: number, timing: Timing): number {
  const methods = new Set(scenarios.filter(({ kind }) => kind !== "idle").map(({ method }) => method));
  const scenarioMs = scenarios.reduce((sum, scenario) => sum + oneSideMs(scenario, timing), 0);
  return ((methods.size * START_MS + scenarioMs) * sides) / 1000;
}

function oneSideMs(scenario: Scenario, timing: Timing): number {
  const { rampMs, windowMs, rounds, idleRounds, settleMs } = timing;
  if (scenario.kind === "idle") {
    const readings = 2 + scenario.steps.length;
    return idleRounds * (START_MS + readings * settleMs + (scenario.steps.at(-1) ?? 0) / OPENED_PER_MS);
  }
  const firstWindowMs = scenario.kind === "latency" ? windowMs : DROPPED_WINDOW_MS;
  return warmUpOf(timing, scenario.kind) + firstWindowMs + rounds * (rampMs + windowMs) + (rounds + 1) * (PAUSE_MS + RUN_OVERHEAD_MS);
}
