import { CommanderError } from "commander";
import type { Command } from "./command.ts";
import { type Arguments, type Flags, flagName, type ReadContext } from "./flag.ts";
import { type GivenFlags, Parser } from "./parser.ts";
import { UsageError } from "./usage-error.ts";

/** What every command's help ends with. */
const SHARED_FLAGS_HELP = "-o json, --server HOST:PORT and the other flags of all commands: shadowfleet --help";

/** Everything that may be typed. */
export interface Grammar {
  /** What `--version` prints. */
  readonly version: string;
  readonly commands: readonly Command[];
  /** Flags that all commands take, before and after their words. */
  readonly sharedFlags: Flags;
  /** What each noun is about, for help. */
  readonly subjects: Readonly<Record<string, string>>;
  /** First words that are no commands of ours but processes, with what each is. */
  readonly services: readonly (readonly [name: string, summary: string])[];
}

/** A command and what was typed for it. */
export interface CommandLine {
  readonly command: Command;
  readonly args: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, unknown>>;
}

export interface ParseOptions extends ReadContext {
  /** Columns that help may take. */
  readonly columns: number;
  /** Receives help that was asked for. */
  readonly writeOut: (text: string) => void;
  /** Receives help that nobody asked for, where a command lacks its verb. */
  readonly writeErr: (text: string) => void;
}

/** What a command line comes to: a command to run, or the exit code once help was written. */
export type Parsed = { readonly line: CommandLine } | { readonly exitCode: 0 | 2 };

/** Parses strictly; throws UsageError for what cannot be meant. Reasons do not quote values, which may be secrets. */
export function parseCommandLine(argv: readonly string[], grammar: Grammar, options: ParseOptions): Parsed {
  let line: CommandLine | undefined;
  const program = programOf(grammar, options, (chosen) => {
    line = chosen;
  });
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? 0 : 2 };
    throw error;
  }
  // Every command has an action, hence parsing either threw or chose.
  return { line: line! };
}

function programOf(grammar: Grammar, options: ParseOptions, onChosen: (line: CommandLine) => void): Parser {
  const { commands, subjects, services, sharedFlags } = grammar;
  const { columns, writeOut, writeErr } = options;
  const width = (): number => columns;
  const program = new Parser("shadowfleet").description("A Shadowsocks fleet: its processes and the commands to work with it.");
  program.exitOverride().version(grammar.version, "--version", "print the version").helpOption("-h, --help", "print help");
  program.configureOutput({ writeOut, writeErr, getOutHelpWidth: width, getErrHelpWidth: width });
  const givenShared = program.addFlags(sharedFlags);
  program.commandsGroup("Processes of the fleet:");
  for (const [name, summary] of services) addService(program, name, summary);
  program.commandsGroup("Commands:");
  const parsers = new Map<string, Parser>();
  const givenToNoun = new Map<string, GivenFlags>();
  for (const command of commands) {
    const [noun = "", verb] = command.name.split(" ");
    const atNoun = parsers.get(noun) ?? (program.command(noun) as Parser).description(subjects[noun] ?? "");
    parsers.set(noun, atNoun);
    const parser = verb === undefined ? atNoun : (atNoun.command(verb) as Parser);
    const own = addCommand(parser, command, (words) => {
      const given = verb === undefined ? own : withNouns(own, givenToNoun.get(noun), command.flags);
      const flags = { ...readFlags(sharedFlags, givenShared, options), ...readFlags(command.flags, given, options) };
      onChosen({ command, flags, args: readArguments(command.args, words, options) });
    });
    if (verb === undefined) givenToNoun.set(noun, own);
  }
  return program;
}

/** What will have been given to the command when it is chosen. */
function addCommand(parser: Parser, command: Command, onChosen: (words: readonly string[]) => void): GivenFlags {
  const { summary, details, args, examples, isOffline } = command;
  parser.summary(summary).description([`${summary}.`, ...(details === undefined ? [] : ["", details])].join("\n"));
  for (const { placeholder, about, isRequired } of Object.values(args)) {
    parser.argument(isRequired ? `<${placeholder}>` : `[${placeholder}]`, about);
  }
  const given = parser.addFlags(command.flags);
  const ending = isOffline ? [] : ["", SHARED_FLAGS_HELP];
  parser.addHelpText("after", ["", "Examples:", ...examples.map((example) => `  ${example}`), ...ending].join("\n"));
  parser.action(() => {
    try {
      onChosen(parser.args);
    } catch (error) {
      throw error instanceof UsageError ? new UsageError(error.message, parser.topic) : error;
    }
  });
  return given;
}

/** A noun that is a command as well takes its flags from among those of its verbs: they are the verb's, or nobody's. */
function withNouns(own: GivenFlags, nouns: GivenFlags = new Map(), flags: Flags): GivenFlags {
  const stray = [...nouns.keys()].find((key) => !Object.hasOwn(flags, key));
  if (stray !== undefined) throw new UsageError(`unknown option '--${flagName(stray)}'`);
  return new Map([...own, ...[...nouns].map(([key, texts]) => [key, [...(own.get(key) ?? []), ...texts]] as const)]);
}

/** A process is run before anything is parsed; this is for help, and for whoever puts flags before its name. */
function addService(program: Parser, name: string, summary: string): void {
  const parser = program.command(name).summary(summary).description(`${summary}; ${name} --help tells its flags.`).allowUnknownOption();
  parser.allowExcessArguments().action(() => {
    throw new UsageError(`${name} must be the first word: shadowfleet ${name} [flags]`, "");
  });
}

function readFlags(flags: Flags, given: GivenFlags, context: ReadContext): Record<string, unknown> {
  const values = Object.entries(flags).map(([key, flag]) => {
    const texts = given.get(key) ?? [];
    const name = `--${flagName(key)}`;
    if (texts.length > 1 && !flag.isRepeatable) throw new UsageError(`${name} is given ${texts.length} times`);
    return [key, explained(name, () => flag.read(texts, context))];
  });
  return Object.fromEntries(values);
}

function readArguments(args: Arguments, words: readonly string[], context: ReadContext): Record<string, unknown> {
  const values = Object.entries(args).map(([key, argument], index) => [
    key,
    explained(argument.placeholder, () => argument.read(words[index], context)),
  ]);
  return Object.fromEntries(values);
}

function explained<Value>(what: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(`${what}: ${error.message}`) : error;
  }
}
