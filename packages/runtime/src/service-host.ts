import type { Clock } from "./clock.ts";
import type { ProcessHandle } from "./process-handle.ts";

/** The outside of a service: what it prints to and is stopped by. */
export interface ServiceHost {
  readonly process: ProcessHandle;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Receives log lines. Default: stdout. */
  readonly logDestination?: { write(line: string): void };
  /** Default: the system's. */
  readonly clock?: Clock;
}
