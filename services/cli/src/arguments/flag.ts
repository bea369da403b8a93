/** What reading a text may depend on. */
export interface ReadContext {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** Makes a value of what was typed. Throws RangeError with a sentence that goes on after the flag's name; never quotes the text. */
export type ReadText<Value> = (text: string, context: ReadContext) => Value;

/** A flag of a command. */
export interface Flag<Value> {
  /** What stands for its value in help; undefined: a switch, which has none. */
  readonly placeholder: string | undefined;
  readonly about: string;
  /** One letter. */
  readonly short?: string;
  /** May be given more than once. */
  readonly isRepeatable: boolean;
  /** For completion; undefined: anything. */
  readonly choices?: readonly string[];
  /** Everything that was given, in order; nothing when the flag was not. */
  readonly read: (given: readonly string[], context: ReadContext) => Value;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: ReturnType<F[Name]["read"]> };

/** A word after the command's own words. */
export interface Argument<Value> {
  readonly placeholder: string;
  readonly about: string;
  readonly isRequired: boolean;
  readonly read: (given: string | undefined, context: ReadContext) => Value;
}

export type Arguments = Readonly<Record<string, Argument<unknown>>>;
export type ArgumentValues<A extends Arguments> = { readonly [Name in keyof A]: ReturnType<A[Name]["read"]> };

const asItIs: ReadText<string> = (text) => text;

/** True when given. */
export function switchFlag(about: string, short?: string): Flag<boolean> {
  return { placeholder: undefined, about, isRepeatable: false, read: (given) => given.length > 0, ...(short ? { short } : {}) };
}

/** The text as it is; undefined when not given. */
export function textFlag(placeholder: string, about: string): Flag<string | undefined> {
  return valueFlag(placeholder, about, asItIs);
}

/** What `read` makes of the text; undefined when not given. */
export function valueFlag<Value>(placeholder: string, about: string, read: ReadText<Value>): Flag<Value | undefined> {
  return {
    placeholder,
    about,
    isRepeatable: false,
    read: ([text], context) => (text === undefined ? undefined : read(text, context)),
  };
}

/** Every text in order. */
export function repeatableFlag<Value>(placeholder: string, about: string, read: ReadText<Value>): Flag<readonly Value[]> {
  return { placeholder, about, isRepeatable: true, read: (given, context) => given.map((text) => read(text, context)) };
}

/** One of `choices`; the first one when not given. */
export function choiceFlag<const Choice extends string>(
  placeholder: string,
  about: string,
  choices: readonly [Choice, ...Choice[]],
  short?: string,
): Flag<Choice> {
  const read = (text: string): Choice => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) throw new RangeError(`expected one of ${choices.join(", ")}`);
    return choice;
  };
  return {
    placeholder,
    about,
    isRepeatable: false,
    choices,
    read: ([text]) => (text === undefined ? choices[0] : read(text)),
    ...(short ? { short } : {}),
  };
}

export function requiredArgument(placeholder: string, about: string): Argument<string>;
export function requiredArgument<Value>(placeholder: string, about: string, read: ReadText<Value>): Argument<Value>;
export function requiredArgument(placeholder: string, about: string, read: ReadText<unknown> = asItIs): Argument<unknown> {
  // The command line is refused before this is asked for a word that is not there.
  return { placeholder, about, isRequired: true, read: (text, context) => read(text ?? "", context) };
}

/** Undefined when not given. */
export function optionalArgument(placeholder: string, about: string): Argument<string | undefined> {
  return { placeholder, about, isRequired: false, read: (text) => text };
}

/** `--secret-file` for `secretFile`. */
export function flagName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
