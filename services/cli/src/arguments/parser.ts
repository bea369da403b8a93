import { Command as CommanderCommand, type ErrorOptions, Option } from "commander";
import type { Flags } from "./flag.ts";
import { flagName } from "./flag.ts";
import { UsageError } from "./usage-error.ts";

/** Every text that was given to a flag, by the flag's key. */
export type GivenFlags = ReadonlyMap<string, readonly string[]>;

/** Commander's command, whose errors are UsageErrors that do not quote what may be a secret. */
export class Parser extends CommanderCommand {
  override createCommand(name: string): Parser {
    return new Parser(name);
  }

  override error(message: string, options?: ErrorOptions): never {
    throw new UsageError(cleaned(message, options?.code), this.topic);
  }

  /** "key create"; empty for the program itself. */
  get topic(): string {
    return this.parent instanceof Parser ? `${this.parent.topic} ${this.name()}`.trim() : "";
  }

  /** Lets the command take these flags. The map fills as they are found. */
  addFlags(flags: Flags): GivenFlags {
    const given = new Map<string, string[]>();
    for (const [key, { placeholder, short, about, isRepeatable }] of Object.entries(flags)) {
      const name = flagName(key);
      const value = placeholder === undefined ? "" : ` <${placeholder}>`;
      const text = isRepeatable ? `${about}; may be repeated` : about;
      this.addOption(new Option(`${short ? `-${short}, ` : ""}--${name}${value}`, text));
      // Not commander's own values, which forget that a flag was given twice and make one of --qr and --no-qr.
      this.on(`option:${name}`, (texts?: string) => given.set(key, [...(given.get(key) ?? []), texts ?? ""]));
    }
    return given;
  }
}

/** "unknown option '--host=x'" without the value, too many arguments without the arguments. */
function cleaned(message: string, code: string | undefined): string {
  const text = message.replace(/^error: /, "").replaceAll("\n", " ");
  if (code === "commander.excessArguments") return text.replace(/(but got \d+): .*$/s, "$1");
  if (code === "commander.unknownOption") return text.replace(/'(--[^=']*)=.*?'(?= \(|$)/s, "'$1'");
  return text;
}
