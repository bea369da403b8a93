import { parseArgs } from "node:util";
import { closestWord } from "./spelling.ts";

/** Flags that only some services have. */
export type ExtraFlag = "allow-private-targets";

/** What the command line of a service asks for. */
export interface ServiceFlags {
  readonly configFile: string | undefined;
  readonly checkConfig: boolean;
  /** Only true for services that declare the flag. */
  readonly allowPrivateTargets: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

export type FlagsResult = { readonly ok: true; readonly flags: ServiceFlags } | { readonly ok: false; readonly reason: string };

const COMMON_FLAGS = {
  config: { type: "string", help: ["--config FILE", "configuration, JSON or YAML"] },
  "check-config": {
    type: "boolean",
    help: ["--check-config", "print the effective configuration without secrets and exit: 0 good, 2 bad"],
  },
  help: { type: "boolean", help: ["--help", "print this text"] },
  version: { type: "boolean", help: ["--version", "print the version"] },
} as const;

const EXTRA_FLAGS = {
  "allow-private-targets": {
    type: "boolean",
    help: ["--allow-private-targets", "let clients reach private, loopback and link-local addresses (labs and tests)"],
  },
} as const satisfies Record<ExtraFlag, unknown>;

interface FlagOption {
  readonly type: "string" | "boolean";
  readonly help: readonly [flag: string, meaning: string];
}

function optionsOf(extraFlags: readonly ExtraFlag[]): Readonly<Record<string, FlagOption>> {
  return { ...COMMON_FLAGS, ...Object.fromEntries(extraFlags.map((flag) => [flag, EXTRA_FLAGS[flag]])) };
}

/** Parses strictly: an unknown flag or a stray word is a reason, not a guess. */
export function parseServiceFlags(argv: readonly string[], extraFlags: readonly ExtraFlag[]): FlagsResult {
  const options = optionsOf(extraFlags);
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
    return {
      ok: true,
      flags: {
        configFile: values.config as string | undefined,
        checkConfig: values["check-config"] === true,
        allowPrivateTargets: values["allow-private-targets"] === true,
        help: values.help === true,
        version: values.version === true,
      },
    };
  } catch (error) {
    return { ok: false, reason: flagReason(error as NodeJS.ErrnoException, options) };
  }
}

function flagReason({ code, message }: NodeJS.ErrnoException, options: Readonly<Record<string, FlagOption>>): string {
  const [, flag] = /^Unknown option '(--?[^']*)'/.exec(message) ?? [];
  if (code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION" || flag === undefined) return message;
  const meant = closestWord(flag, Object.keys(options));
  return `unknown flag ${flag}${meant ? `, did you mean --${meant}?` : ""}`;
}

/** The text of `--help`. */
export function usageText(name: string, summary: string, extraFlags: readonly ExtraFlag[]): string {
  const rows = Object.values(optionsOf(extraFlags)).map(({ help }) => help);
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return [
    `${name}: ${summary}`,
    "",
    `Usage: ${name} [flags]`,
    "",
    ...rows.map(([flag, meaning]) => `  ${flag.padEnd(width)}  ${meaning}`),
    "",
    "Signals: SIGTERM or SIGINT drains and stops, a second one stops at once; SIGHUP reloads the configuration file.",
    "Exit codes: 0 after a drained stop, 2 for a bad configuration or command line, 1 otherwise.",
    "",
  ].join("\n");
}
