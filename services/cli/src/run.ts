import { type Clock, codeOf, systemClock } from "@shadowfleet/runtime";
import { type CommandLine, type Parsed, parseCommandLine } from "./arguments/command-line.ts";
import type { FlagValues } from "./arguments/flag.ts";
import { UsageError } from "./arguments/usage-error.ts";
import { GRAMMAR, type SHARED_FLAGS } from "./command-table.ts";
import { connectionSettings } from "./connection/connection-settings.ts";
import { FleetConnection } from "./connection/fleet-connection.ts";
import { Failure, failureDocument, failureLines } from "./failure.ts";
import { toJson, toYaml } from "./output/document.ts";
import { Output, type OutputFormat } from "./output/output.ts";
import type { Terminal } from "./terminal.ts";

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs one command from its words to its exit code: 0 done, 1 failed, 2 cannot be meant. Rejects for bugs only. */
export async function runCommand(argv: readonly string[], terminal: Terminal, clock: Clock = systemClock): Promise<number> {
  const { stdout, stderr } = terminal;
  let parsed: Parsed;
  try {
    parsed = parseCommandLine(argv, GRAMMAR, {
      nowMs: clock.now(),
      columns: stdout.columns,
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
    });
  } catch (error) {
    return explain(error, "table", "", terminal);
  }
  return "exitCode" in parsed ? parsed.exitCode : await execute(parsed.line, terminal, clock);
}

async function execute({ command, args, flags }: CommandLine, terminal: Terminal, clock: Clock): Promise<number> {
  const shared = flags as FlagValues<typeof SHARED_FLAGS>;
  const output = new Output(shared.output, terminal);
  let fleet: FleetConnection | undefined;
  try {
    if (!command.isOffline) fleet = new FleetConnection(await connectionSettings(shared, terminal));
    // Commands that are offline do not look at it.
    await command.run({ args, flags }, { output, terminal, clock, fleet: fleet! });
    return EXIT_DONE;
  } catch (error) {
    return explain(error, shared.output, command.name, terminal);
  } finally {
    fleet?.close();
  }
}

function explain(error: unknown, format: OutputFormat, commandName: string, { stderr }: Terminal): number {
  if (error instanceof UsageError) {
    const help = ["shadowfleet", error.topic ?? commandName, "--help"].filter((word) => word !== "").join(" ");
    stderr.write(`shadowfleet: ${error.message}\nSee: ${help}\n`);
    return EXIT_USAGE;
  }
  if (codeOf(error) === "CONFIG_INVALID") {
    stderr.write(`shadowfleet: ${(error as Error).message}\n`);
    return EXIT_USAGE;
  }
  if (!(error instanceof Failure)) throw error;
  if (format === "json") stderr.write(`${toJson(failureDocument(error), 2)}\n`);
  else if (format === "yaml") stderr.write(toYaml(failureDocument(error)));
  else stderr.write(`${failureLines(error).join("\n")}\n`);
  return EXIT_FAILED;
}
