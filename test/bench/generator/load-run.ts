import { type RunningProgram, startProgram, withDeadline } from "@shadowfleet/testkit";
import { type ProcessUsage, readUsage, type UsageBetween, usageBetween } from "../measure/process-usage.ts";
import type { LoadPrograms } from "./load-programs.ts";
import type { LoadTarget } from "./load-target.ts";

export type LoadMode = "bulk-down" | "bulk-up" | "connections" | "exchanges" | "idle" | "udp-echo" | "udp-one-way";

/** The proxies of one side, as a run needs them. */
export interface ProxyPair {
  /** Of the SOCKS5 server on 127.0.0.1. */
  readonly proxyPort: number;
  readonly localPid: number;
  /** Of the process that serves this scenario's protocol. */
  readonly serverPid: number;
}

/** What every run needs. */
export interface LoadBench {
  readonly programs: LoadPrograms;
  readonly target: LoadTarget;
}

/** What a run brought: the generator's numbers, and what each process used inside the window. */
export interface LoadOutcome {
  /** The fields of the generator's result line; `seconds` and `cpuSeconds` (its own) are always among them. */
  readonly result: Readonly<Record<string, number>>;
  readonly local: UsageBetween;
  readonly server: UsageBetween;
  readonly target: UsageBetween;
}

export interface RunLength {
  readonly rampMs: number;
  readonly windowMs: number;
}

/** Beyond ramp and window: opening connections, waiting for stragglers. */
const SPARE_MS = 30_000;

/** Runs the generator once through a pair of proxies. Rejects, with its message, when a connection breaks or nothing arrives. */
export async function runLoad(
  bench: LoadBench,
  pair: ProxyPair,
  mode: LoadMode,
  { rampMs, windowMs }: RunLength,
  options: Readonly<Record<string, number>>,
): Promise<LoadOutcome> {
  const times = { "ramp-ms": Math.round(rampMs), "window-ms": Math.round(windowMs) };
  await using program = startLoad(bench, pair, mode, { ...times, ...options });
  const pids = { "local proxy": pair.localPid, "server proxy": pair.serverPid, target: bench.target.pid };
  const read = (): ProcessUsage[] => Object.entries(pids).map(([name, pid]) => usageOf(name, pid));
  await waitForEvent(program, mode, "start", rampMs + SPARE_MS);
  const before = read();
  await waitForEvent(program, mode, "end", windowMs + SPARE_MS);
  const [local, server, target] = read().map((after, at) => usageBetween(before[at]!, after));
  return { result: await resultOf(program, mode), local: local!, server: server!, target: target! };
}

function usageOf(name: string, pid: number): ProcessUsage {
  try {
    return readUsage(pid);
  } catch (error) {
    throw new Error(`the ${name} has ended`, { cause: error });
  }
}

/** Starts it without waiting for anything; `await using` stops it. */
export function startLoad(
  { programs, target }: LoadBench,
  { proxyPort }: ProxyPair,
  mode: LoadMode,
  options: Readonly<Record<string, number | string>>,
): RunningProgram {
  const words = Object.entries({ proxy: proxyPort, target: target.port, ...options }).map(([name, value]) => `${name}=${value}`);
  return startProgram(programs.load, [mode, ...words]);
}

/** Waits for the result and a clean end. */
export async function resultOf(program: RunningProgram, mode: LoadMode): Promise<Record<string, number>> {
  const line = await waitForEvent(program, mode, "result", SPARE_MS);
  const { code } = await withDeadline(program.exited, SPARE_MS, `the end of load ${mode}`);
  if (code !== 0) throw new Error(`load ${mode} ended with ${code}: ${complaintOf(program.output)}`);
  const { event: _, ...fields } = JSON.parse(line) as Record<string, number>;
  return fields;
}

/** The line of an event. Rejects with the generator's own complaint when it gives up. */
export async function waitForEvent(program: RunningProgram, mode: LoadMode, event: string, deadlineMs: number): Promise<string> {
  try {
    const [line] = await program.waitForLine(new RegExp(`^\\{"event":"${event}".*\\}$`), deadlineMs);
    return line;
  } catch (error) {
    throw new Error(`load ${mode}, waiting for "${event}": ${complaintOf(program.output)}`, { cause: error });
  }
}

/** What the generator wrote that is no event. */
function complaintOf(output: string): string {
  const lines = output.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
  return lines.length === 0 ? "it said nothing" : lines.join("; ");
}
