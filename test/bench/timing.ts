/** How long and how often. */
export interface Timing {
  /** Full load before the first window of a scenario; that whole run is dropped. At least a second, for the JIT compiler. */
  readonly warmUpMs: number;
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
export const FULL_TIMING: Timing = { warmUpMs: 1_500, rampMs: 500, windowMs: 2_000, rounds: 5, idleRounds: 3, settleMs: 2_000 };

/** For the gate: short windows, but the same warm-up. */
export const QUICK_TIMING: Timing = { warmUpMs: 1_000, rampMs: 250, windowMs: 1_200, rounds: 3, idleRounds: 1, settleMs: 1_000 };

/** Between two runs: sockets of the last one are torn down. */
export const PAUSE_MS = 100;
/** The counted part of a run that is dropped anyway. */
export const DROPPED_WINDOW_MS = 200;
