import type { Shell } from "../shell.ts";
import type { Arguments, ArgumentValues, Flags, FlagValues } from "./flag.ts";

/** What a command is given: its flags and arguments, read. */
export interface Input<A extends Arguments, F extends Flags> {
  readonly args: ArgumentValues<A>;
  readonly flags: FlagValues<F>;
}

export interface CommandDefinition<A extends Arguments, F extends Flags> {
  /** "key create": a noun and a verb, or one word. */
  readonly name: string;
  /** One line without a full stop. */
  readonly summary: string;
  /** What more there is to know, a paragraph. */
  readonly details?: string;
  /** In the order they are typed. */
  readonly args: A;
  readonly flags: F;
  /** Lines as they are typed. */
  readonly examples: readonly string[];
  /** Does not talk to management. */
  readonly isOffline?: boolean;
  /** Rejects with UsageError or Failure for what a person can mend. */
  readonly run: (input: Input<A, F>, shell: Shell) => Promise<void>;
}

/** A command whose types no longer matter. */
export type Command = CommandDefinition<Arguments, Flags>;

/** Keeps the types of flags and arguments together with the function that gets them. */
export function defineCommand<A extends Arguments, F extends Flags>(definition: CommandDefinition<A, F>): Command {
  return definition as unknown as Command;
}
