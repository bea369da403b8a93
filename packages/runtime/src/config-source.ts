import { readFile } from "node:fs/promises";
import { type Document, LineCounter, parseDocument, visit, type YAMLError } from "yaml";
import { ConfigError, type ConfigProblem } from "./config-error.ts";

/** A configuration as read, before any schema: plain data and where it came from. */
export interface ConfigSource {
  /** For messages: the file as the user named it. */
  readonly name: string;
  /** Objects, arrays, strings, numbers, booleans and null. An empty file is an empty object. */
  readonly data: unknown;
}

const READ_REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such file"],
  ["EACCES", "this user may not read it"],
  ["EISDIR", "it is a directory, not a file"],
]);

/** In place of messages of the parser that quote the file or speak to programmers. */
const SYNTAX_REASONS: ReadonlyMap<YAMLError["code"], string> = new Map([
  ["MULTIPLE_DOCS", "a second document begins here; a configuration is one document"],
  ["TAG_RESOLVE_FAILED", 'unknown tag; a value that begins with "!" needs quotes'],
  [
    "BAD_DIRECTIVE",
    'a line that begins with "%" is a directive of YAML, and no such one is known; a value that begins with "%" needs quotes',
  ],
  ["BAD_DQ_ESCAPE", 'no such escape sequence; write "\\\\" for a backslash or use single quotes'],
]);

/** Reads a JSON or YAML file. Throws ConfigError when it cannot be read or parsed. */
export async function readConfigFile(path: string): Promise<ConfigSource> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new ConfigError(path, [{ path: "(file)", reason: READ_REASONS.get(code) ?? message }], { cause: error });
  }
  return parseConfigText(text, path);
}

/**
 * Parses JSON or YAML, told apart by nothing: YAML 1.2 contains JSON. Duplicate keys, undefined aliases, unknown tags and syntax errors
 * throw a ConfigError whose problems name line and column; no text of the file is quoted but key names, since any value may be a secret.
 */
export function parseConfigText(text: string, name: string): ConfigSource {
  const lines = new LineCounter();
  // String keys, since 8001 and "8001" are one key once the data is an object.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  const problems: ConfigProblem[] = [...document.errors, ...document.warnings].map((error) => ({
    path: place(error.pos[0]),
    reason: syntaxReason(error, text),
  }));
  if (problems.length === 0) problems.push(...undefinedAliases(document, place));
  if (problems.length > 0) throw new ConfigError(name, problems);
  try {
    return { name, data: document.toJS() ?? {} };
  } catch (error) {
    // What remains is yaml's guard against aliases that expand without bound.
    throw new ConfigError(name, [{ path: "(file)", reason: (error as Error).message }], { cause: error });
  }
}

function syntaxReason(error: YAMLError, text: string): string {
  if (error.code === "DUPLICATE_KEY") return `duplicate key ${keyAt(text, error.pos[0])}`;
  // Messages with something of the file after a colon: a stray token, the header of a block.
  return SYNTAX_REASONS.get(error.code) ?? error.message.replace(/(?<=\S): .*$/s, "");
}

function keyAt(text: string, offset: number): string {
  const [key = ""] = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s:,{}]+)/.exec(text.slice(offset)) ?? [];
  return /^["']/.test(key) ? key : `"${key}"`;
}

function undefinedAliases(document: Document, place: (offset: number) => string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  visit(document, {
    Alias(_, alias) {
      if (!alias.resolve(document))
        problems.push({ path: place(alias.range?.[0] ?? 0), reason: 'alias without an anchor; a value that begins with "*" needs quotes' });
    },
  });
  return problems;
}
