import type { Clock } from "@shadowfleet/runtime";
import type { FleetConnection } from "./connection/fleet-connection.ts";
import type { Output } from "./output/output.ts";
import type { Terminal } from "./terminal.ts";

/** What a command works with. */
export interface Shell {
  readonly output: Output;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Management. Nothing is opened before the first call. */
  readonly fleet: FleetConnection;
}

/** Runs something that ends when somebody wants it to (Ctrl-C, SIGTERM), which is its proper end. */
export async function untilInterrupted(terminal: Terminal, work: (interrupted: AbortSignal) => Promise<void>): Promise<void> {
  const interrupted = new AbortController();
  const unwatch = terminal.watchInterrupts(() => interrupted.abort());
  try {
    await work(interrupted.signal);
  } finally {
    unwatch();
  }
}
