import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { GRAMMAR } from "../../services/cli/src/command-table.ts";
import { panelsOf, readDashboards } from "./files/dashboard-files.ts";
import { readRules } from "./files/rule-files.ts";
import { parseQuery } from "./promql/query.ts";
import { queryProblems } from "./promql/query-lint.ts";
import { seriesTable } from "./promql/series-table.ts";

const FOLDER = join(import.meta.dirname, "../../docs/runbooks");
const SECTIONS = ["Means", "Impact", "Look", "Do"];

const { recording, alerts } = readRules();
const table = seriesTable(recording.map(({ record }) => record));
const runbooks = new Map(
  globSync("*.md", { cwd: FOLDER }).map((file) => [file.replace(".md", ""), readFileSync(join(FOLDER, file), "utf8")]),
);
const commands = GRAMMAR.commands.map(({ name }) => name);
const panels = readDashboards().flatMap((dashboard) =>
  panelsOf(dashboard).map(({ title }) => `${dashboard.title.replace("Fleet / ", "")} > ${title}`),
);

function problemsOf(name: string, text: string): string[] {
  const problems: string[] = [];
  if (!text.startsWith(`# ${name}\n`)) problems.push("its title is not the alert's name");
  const sections = [...text.matchAll(/^\*\*(\w+)\.\*\*/gm)].map((match) => match[1]!);
  if (sections.join() !== SECTIONS.join()) problems.push(`sections ${sections.join(", ")}`);
  for (const [, code] of text.matchAll(/`([^`]+)`/g)) problems.push(...codeProblems(code!));
  for (const [, panel] of text.matchAll(/\*([A-Z][^*\n]* > [^*\n]+)\*/g))
    if (!panels.includes(panel!)) problems.push(`there is no panel ${panel}`);
  for (const [, other] of text.matchAll(/\]\((Shadowfleet\w+)\.md\)/g))
    if (!runbooks.has(other!)) problems.push(`there is no runbook ${other}`);
  return problems;
}

/** What stands in backquotes and is a query or a command of ours must be one. */
function codeProblems(code: string): string[] {
  const [program, ...words] = code.split(" ");
  if (program === "shadowfleet") {
    return commands.some((command) => command.split(" ").every((word, index) => words[index] === word))
      ? []
      : [`there is no command ${code}`];
  }
  const isQuery = parseQuery(code).selectors.some(({ name }) => /^(shadowsocks|fleet|rpc|db|process|nodejs|v8js)_\w+$/.test(name));
  // A series alone is named, not asked for: counters stand there without rate().
  return isQuery ? queryProblems(code, table).filter((problem) => code.includes(" ") || !problem.startsWith("counter ")) : [];
}

test("every alert has a runbook and every runbook an alert", () => {
  assert.deepEqual([...runbooks.keys()].sort(), [...new Set(alerts.map(({ alert }) => alert))].sort());
});

test("runbooks are built alike, and the commands, queries, panels and pages they name exist", () => {
  assert.deepEqual(
    [...runbooks].flatMap(([name, text]) => problemsOf(name, text).map((problem) => `${name}: ${problem}`)),
    [],
  );
});

test("the check can fail: each mistake in a runbook is seen", () => {
  const good = "# X\n\n**Means.** a\n\n**Impact.** b\n\n**Look.** c\n\n**Do.** d\n";
  assert.deepEqual(problemsOf("X", good), []);
  for (const [from, to, problem] of [
    ["# X", "# Y", /title/],
    ["**Do.** d", "", /sections/],
    ["c", "`shadowfleet key burn ID`", /no command/],
    ["c", "`sum(rate(shadowsocks_replays_total[5m]))`", /no series/],
    ["c", "`fleet_prots_failed`", /no series/],
    ["c", "*Security > Weather*", /no panel/],
    ["c", "[X](ShadowfleetWeather.md)", /no runbook/],
  ] as const) {
    assert.match(problemsOf("X", good.replace(from, to)).join(), problem);
  }
});
