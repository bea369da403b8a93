import { ManualClock } from "@shadowfleet/runtime";
import { runCommand } from "../src/run.ts";
import type { FakeFleet } from "./fake-fleet.ts";
import { FakeTerminal, type FakeTerminalOptions } from "./fake-terminal.ts";

/** 2026-11-23T00:00:00Z, when all commands of these tests run. */
export const NOW_MS = Date.UTC(2026, 10, 23);

export interface CommandResult {
  readonly exitCode: number;
  readonly terminal: FakeTerminal;
  readonly out: string;
  readonly err: string;
}

/** Runs a command against a fleet. */
export async function runAgainst(
  { address }: Pick<FakeFleet, "address">,
  argv: readonly string[],
  options: FakeTerminalOptions = {},
): Promise<CommandResult> {
  return await run([...argv, "--server", address], options);
}

/** Runs a command as it stands. */
export async function run(argv: readonly string[], options: FakeTerminalOptions = {}): Promise<CommandResult> {
  const terminal = new FakeTerminal(options);
  const exitCode = await runCommand(argv, terminal, new ManualClock(NOW_MS));
  return { exitCode, terminal, out: terminal.out, err: terminal.err };
}

/** The one JSON document that a command wrote. Numbers beyond 2^53 are rounded here. */
export function documentOf({ out, exitCode, err }: CommandResult): unknown {
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${err}`);
  return JSON.parse(out);
}
