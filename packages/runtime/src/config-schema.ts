import type { z } from "zod";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { keysAt } from "./schema-keys.ts";
import { closestWord } from "./spelling.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

const MAX_LISTED_KEYS = 12;

/**
 * The data as the schema makes it, or a ConfigError that lists every problem: path and reason, unknown keys with what may have been meant.
 * Build schemas from `z.strictObject`, or unknown keys pass unseen. Reasons never quote values, since any value may be a secret.
 */
export function parseWith<Schema extends z.ZodType>(schema: Schema, data: unknown, sourceName: string): z.output<Schema> {
  const result = schema.safeParse(data, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(
    sourceName,
    result.error.issues.flatMap((issue) => problemsOf(issue, schema, [])),
  );
}

/** `ports[0].keys[1].secret`; `(top level)` for the whole, `""` for a key without a name. */
export function formatPath(path: Path): string {
  const text = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step === "" ? '""' : String(step)}`)).join("");
  return text === "" ? "(top level)" : text.replace(/^\./, "");
}

function problemsOf(issue: Issue, schema: z.core.$ZodType, above: Path): ConfigProblem[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(key, schema, path));
  if (issue.code === "invalid_union" && issue.errors.length > 0) return problemsOfUnion(issue.errors, schema, path);
  return [{ path: formatPath(path), reason: reasonOf(issue) }];
}

function unknownKey(key: string, schema: z.core.$ZodType, path: Path): ConfigProblem {
  const known = keysAt(schema, path);
  const meant = closestWord(key, known);
  const listed = known.size > 0 && known.size <= MAX_LISTED_KEYS ? `; known here: ${[...known].join(", ")}` : "";
  return { path: formatPath([...path, key]), reason: meant ? `unknown key, did you mean "${meant}"?` : `unknown key${listed}` };
}

/** Of the alternatives, what is wrong with the one the data comes nearest to; where none fits even at its root, what each would be. */
function problemsOfUnion(alternatives: readonly (readonly Issue[])[], schema: z.core.$ZodType, path: Path): ConfigProblem[] {
  const fitting = alternatives.filter((issues) => !issues.some((issue) => expectedAtRoot(issue) !== undefined));
  if (fitting.length === 0) {
    const expected = alternatives.flat().map(expectedAtRoot);
    const choices = new Set(expected.filter((choice) => choice !== undefined));
    return [{ path: formatPath(path), reason: `expected ${[...choices].join(" or ")}` }];
  }
  const nearest = fitting.reduce((best, issues) => (issues.length < best.length ? issues : best));
  return nearest.flatMap((issue) => problemsOf(issue, schema, path));
}

/** What a schema wants at its root, when that is what the issue is about. */
function expectedAtRoot(issue: Issue): string | undefined {
  if (issue.path.length > 0) return undefined;
  if (issue.code === "invalid_type") return issue.expected;
  return issue.code === "invalid_value" ? issue.values.map((value) => JSON.stringify(value)).join(" or ") : undefined;
}

function reasonOf(issue: Issue): string {
  if (issue.code === "invalid_type") return wrongType(issue);
  if (issue.code === "invalid_value") return wrongChoice(issue);
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? "not a possible key here";
  const { message } = issue;
  return issue.code === "custom" ? message : message.charAt(0).toLowerCase() + message.slice(1);
}

function wrongType({ expected, input }: z.core.$ZodIssueInvalidType): string {
  if (input === undefined) return `required (${expected})`;
  const received = input === null ? "null" : Array.isArray(input) ? "array" : typeof input;
  const hint = expected === "string" && (received === "number" || received === "boolean") ? "; put it in quotes" : "";
  return `expected ${expected}, received ${received}${hint}`;
}

function wrongChoice({ values, input }: z.core.$ZodIssueInvalidValue): string {
  const choices = values.map(String);
  const meant = typeof input === "string" ? closestWord(input, choices) : undefined;
  return `expected one of ${choices.join(", ")}${meant ? `; did you mean "${meant}"?` : ""}`;
}
