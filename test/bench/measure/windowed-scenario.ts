import { setTimeout as delay } from "node:timers/promises";
import { type LoadBench, type LoadMode, type LoadOutcome, type ProxyPair, type RunLength, runLoad } from "../generator/load-run.ts";
import type { LatencyScenario } from "../scenario.ts";
import type { Stack } from "../sides/side.ts";
import { DROPPED_WINDOW_MS, PAUSE_MS, type Timing, warmUpOf } from "../timing.ts";
import type { Figures, Rounds } from "./figures.ts";
import { interleave } from "./interleave.ts";
import { figuresOf, type WindowScenario } from "./measurement.ts";

/** Running sides by name, in the order they take turns. */
export type Stacks = ReadonlyMap<string, Stack>;

/** Warms every side up, then lets them take turns. Rejects when a run breaks. */
export async function measureWindowed(bench: LoadBench, stacks: Stacks, scenario: WindowScenario, timing: Timing): Promise<Rounds> {
  if (scenario.kind === "latency") return measureLatency(bench, stacks, scenario, timing);
  const names = [...stacks.keys()];
  const load = loadOf(scenario);
  for (const name of names) await runOn(bench, stacks.get(name)!, scenario, load, warmUp(timing, scenario));
  return interleave(names, timing.rounds, async (name) => {
    return figuresOf(scenario.kind, await runOn(bench, stacks.get(name)!, scenario, load, timing));
  });
}

/** As fast as it goes first, which warms up too; then all sides at the same share of what the slowest can do. */
async function measureLatency(bench: LoadBench, stacks: Stacks, scenario: LatencyScenario, timing: Timing): Promise<Rounds> {
  const names = [...stacks.keys()];
  const maximumRates = new Map<string, number>();
  for (const name of names) {
    const length = { rampMs: timing.warmUpMs, windowMs: timing.windowMs };
    const { result } = await runOn(bench, stacks.get(name)!, scenario, { mode: "exchanges", connections: scenario.connections }, length);
    maximumRates.set(name, result.exchanges! / result.seconds!);
  }
  const offeredRate = Math.max(1, Math.floor(scenario.load * Math.min(...maximumRates.values())));
  const load = { mode: "exchanges", connections: scenario.connections, rate: offeredRate } as const;
  return interleave(names, timing.rounds, async (name): Promise<Figures> => {
    const outcome = await runOn(bench, stacks.get(name)!, scenario, load, timing);
    return { offeredRate, maximumRate: maximumRates.get(name)!, ...figuresOf("latency", outcome) };
  });
}

interface Load {
  readonly mode: LoadMode;
  readonly connections: number;
  readonly rate?: number;
  readonly payload?: number;
}

function loadOf(scenario: Exclude<WindowScenario, LatencyScenario>): Load {
  switch (scenario.kind) {
    case "bulk":
      return { mode: `bulk-${scenario.direction}`, connections: scenario.connections };
    case "connections":
      return { mode: "connections", connections: scenario.inFlight };
    case "udp":
      return { mode: `udp-${scenario.pattern}`, connections: scenario.inFlight, payload: scenario.payloadBytes };
  }
}

function warmUp(timing: Timing, { kind }: WindowScenario): RunLength {
  return { rampMs: warmUpOf(timing, kind), windowMs: DROPPED_WINDOW_MS };
}

async function runOn(bench: LoadBench, stack: Stack, { kind }: WindowScenario, load: Load, length: RunLength): Promise<LoadOutcome> {
  const { mode, ...options } = load;
  const pair: ProxyPair = {
    proxyPort: stack.proxyPort,
    localPid: stack.localPid,
    serverPid: kind === "udp" ? stack.serverPid.udp : stack.serverPid.tcp,
  };
  const outcome = await runLoad(bench, pair, mode, length, options);
  await delay(PAUSE_MS);
  return outcome;
}
