import type { ConfigProblem } from "./config-error.ts";

const LEVEL_WIDTH = 5;
// C0 and C1 controls and DEL: text from the network must not move a terminal's cursor.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;
const NEEDS_QUOTES = /[\s"=]|^$/;

/**
 * One log record, as parsed from its JSON line, as text for a terminal: local time, level, service, message, the other fields as
 * `name=value`; configuration problems and stacks follow on lines of their own. Ends with a line feed. Control characters are escaped.
 */
export function formatTextLine(record: Readonly<Record<string, unknown>>): string {
  const { time, level, service, msg, err, problems, ...fields } = record;
  const head = [
    localTime(time),
    String(level).toUpperCase().padEnd(LEVEL_WIDTH),
    escapeControls(String(service)),
    escapeControls(String(msg ?? "")),
  ];
  const pairs = Object.entries(fields).map(([field, value]) => `${escapeControls(field)}=${fieldText(value)}`);
  const lines = [[...head, ...pairs].join(" "), ...problemLines(problems), ...stackLines(err)];
  return `${lines.join("\n")}\n`;
}

function localTime(time: unknown): string {
  return new Date(String(time)).toTimeString().slice(0, "HH:MM:SS".length);
}

function fieldText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return escapeControls(typeof value === "string" && NEEDS_QUOTES.test(text) ? JSON.stringify(text) : text);
}

function problemLines(problems: unknown): string[] {
  if (!Array.isArray(problems)) return [];
  return problems.map((problem: ConfigProblem) => `  ${escapeControls(`${problem.path}: ${problem.reason}`)}`);
}

function stackLines(error: unknown): string[] {
  if (typeof error !== "object" || error === null) return error === undefined ? [] : [`  ${fieldText(error)}`];
  const { stack, message } = error as { stack?: unknown; message?: unknown };
  return String(stack ?? message)
    .split("\n")
    .map((line) => `  ${escapeControls(line)}`);
}

function escapeControls(text: string): string {
  return text.replace(CONTROLS, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
