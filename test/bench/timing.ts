import type { Kind } from "./scenario.ts";

/** How long and how often. */
export interface Timing {
  /** Full load before the first window of a scenario; that whole run is dropped. At least a second, for the JIT compiler. */
  readonly warmUpMs: number;
  /** The same for short connections, whose code runs some thousand times a second only: it takes some ten thousand until the compiler is through. */
  readonly connectionsWarmUpMs: number;
  /** Full load before each counted window. */
  readonly rampMs: number;
  readonly windowMs: number;
  /** Counted runs per side. */
  readonly rounds: number;
  /** The same for idle connections, where each round needs fresh processes. */
  readonly idleRounds: number;
  /** With held connections and no traffic, before memory is read. */
  readonly settleMs: number;
}

/** For figures worth quoting. */
export const FULL_TIMING: Timing = {
  warmUpMs: 1_500,
  connectionsWarmUpMs: 8_000,
  rampMs: 500,
  windowMs: 2_000,
  rounds: 5,
  idleRounds: 3,
  settleMs: 2_000,
};

/** For the gate: short windows, but much the same warm-up. */
export const QUICK_TIMING: Timing = {
  warmUpMs: 1_000,
  connectionsWarmUpMs: 5_000,
  rampMs: 250,
  windowMs: 1_200,
  rounds: 3,
  idleRounds: 1,
  settleMs: 1_000,
};

/** Full load on a scenario's sides before its first window. */
export function warmUpOf({ warmUpMs, connectionsWarmUpMs }: Timing, kind: Kind): number {
  return kind === "connections" ? connectionsWarmUpMs : warmUpMs;
}

/** Between two runs: sockets of the last one are torn down. */
export const PAUSE_MS = 100;
/** The counted part of a run that is dropped anyway. */
export const DROPPED_WINDOW_MS = 200;
