import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readDashboards } from "./files/dashboard-files.ts";
import { type AlertRule, readRules } from "./files/rule-files.ts";
import { parseQuery } from "./promql/query.ts";

const DOCS = join(import.meta.dirname, "../../docs");
const SEVERITIES = ["critical", "warning", "info"];
/** Names nobody else uses; all others need the job, or somebody else's processes would set off our alerts. */
const OWN_NAMES = /^(shadowsocks_|fleet_|namespace)/;

const { recording, alerts } = readRules();

function alertProblems({ alert, for: wait, labels, annotations = {} }: AlertRule): string[] {
  const problems: string[] = [];
  if (!/^Shadowfleet[A-Z][A-Za-z]+$/.test(alert)) problems.push("its name");
  if (!wait || !/^\d+[mh]$/.test(wait)) problems.push("no time it has to last");
  if (!SEVERITIES.includes(labels?.severity ?? "")) problems.push("no severity");
  const { summary = "", description = "", runbook_url = "" } = annotations;
  if (summary === "" || summary.endsWith(".")) problems.push("no summary, or one that is a sentence");
  if (!/\{\{ \$value \| (humanize\w*|printf "[^"]+") \}\}/.test(description))
    problems.push("its description does not say the value for people");
  if (runbook_url !== `docs/runbooks/${alert}.md`) problems.push("its runbook");
  return problems.map((problem) => `${alert}: ${problem}`);
}

test("every alert waits, has a severity, says what it saw and links its runbook", () => {
  assert.deepEqual(alerts.flatMap(alertProblems), []);
  const good: AlertRule = {
    alert: "ShadowfleetExample",
    expr: "up",
    for: "1m",
    labels: { severity: "info" },
    annotations: { summary: "x", description: "{{ $value | humanize }}", runbook_url: "docs/runbooks/ShadowfleetExample.md" },
  };
  assert.deepEqual(alertProblems(good), []);
  const { for: _, ...impatient } = good;
  assert.equal(alertProblems(impatient).length, 1);
  for (const bad of [
    { alert: "X" },
    { labels: {} },
    { annotations: {} },
    { annotations: { ...good.annotations, description: "{{ $value }}" } },
  ])
    assert.notEqual(alertProblems({ ...good, ...bad }).length, 0);
});

test("rules look at our processes only", () => {
  const open = ({ expr }: { readonly expr: string }): string[] =>
    parseQuery(expr).selectors.flatMap(({ name, matchers }) =>
      OWN_NAMES.test(name) || matchers.some(({ label }) => label === "job") ? [] : [name],
    );
  assert.deepEqual([...recording, ...alerts].flatMap(open), []);
  assert.deepEqual(open({ expr: "process_open_fds > 3" }), ["process_open_fds"]);
});

test("docs/dashboards.md lists every dashboard and every alert as it is", () => {
  const text = readFileSync(join(DOCS, "dashboards.md"), "utf8");
  const rows = [
    ...readDashboards().map(({ uid, title, description }) => `| ${title.replace("Fleet / ", "")} | \`${uid}\` | ${description} |`),
    ...alerts.map(({ alert, labels, for: wait, annotations }) => {
      const summary = annotations?.summary
        ?.replace(/\{\{ with \$labels\.(\w+) \}\}.*?\{\{ end \}\}/g, "*$1*")
        .replace(/\{\{ \$labels\.(\w+) \}\}/g, "*$1*");
      return `| [${alert}](runbooks/${alert}.md) | ${labels?.severity} | ${wait} | ${summary} |`;
    }),
  ];
  assert.deepEqual(
    rows.filter((row) => !text.includes(row)),
    [],
    "rows that are missing or stale",
  );
  const listed = text.split("\n").filter((line) => /^\| (\[Shadowfleet|.*`shadowfleet-)/.test(line));
  assert.equal(listed.length, rows.length, "rows of something that is not there any more");
});
