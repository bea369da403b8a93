import assert from "node:assert/strict";
import { test } from "node:test";
import { METRICS, type MetricName, seriesName } from "@shadowfleet/runtime";
import { dashboardExpressions, labelValues, ruleExpressions } from "./files/expressions.ts";
import { readRules } from "./files/rule-files.ts";
import { parseQuery, withBoolComparisons } from "./promql/query.ts";
import { queryProblems } from "./promql/query-lint.ts";
import { seriesTable } from "./promql/series-table.ts";
import { ANYTHING, substitute } from "./promql/substitution.ts";

const { recording, alerts } = readRules();
const table = seriesTable(recording.map(({ record }) => record));
const expressions = [...dashboardExpressions().flatMap((dashboard) => dashboard.expressions), ...ruleExpressions()].map((expression) => {
  const text = expression.kind === "variable" ? labelValues(expression.expr).selector : expression.expr;
  return { where: expression.where, text: substitute(text, ANYTHING) };
});

test("every query of dashboards and rules is PromQL about series, labels and values that exist", (t) => {
  t.diagnostic(`${expressions.length} expressions`);
  assert.ok(expressions.length > 200);
  const problems = expressions.flatMap(({ where, text }) => queryProblems(text, table).map((problem) => `${where}: ${problem}`));
  assert.deepEqual(problems, []);
});

test("every recording rule is used, and its level names the labels it keeps", () => {
  const used = new Set(expressions.flatMap(({ text }) => parseQuery(text).selectors.map(({ name }) => name)));
  for (const { record, expr } of recording) {
    assert.ok(used.has(record), `nobody uses ${record}`);
    const level = record.split(":")[0]!;
    const kept = new Set(/by \(([^)]*)\)/.exec(expr)?.[1]?.split(", ") ?? level.split("_"));
    assert.deepEqual([...kept].join("_"), level, `${record} keeps other labels than its name says`);
    assert.match(record, /^[a-z_]+:[a-z_]+:(rate|ratio_rate|sum)\w*$/);
  }
});

test("every metric of the registry is on a dashboard or in a rule", () => {
  const used = new Set(expressions.flatMap(({ text }) => parseQuery(text).selectors.map(({ name }) => name)));
  const isUsed = (name: string): boolean => ["", "_bucket", "_sum", "_count"].some((suffix) => used.has(name + suffix));
  const unseen = (Object.keys(METRICS) as MetricName[]).map(seriesName).filter((name) => !isUsed(name));
  assert.deepEqual(unseen, []);
});

test("the check can fail: each kind of mistake in a query is seen", () => {
  const problemsOf = (text: string): string[] => queryProblems(text, table);
  assert.deepEqual(problemsOf('sum by (job) (rate(shadowsocks_connections_total{outcome!="OK"}[5m]))'), []);
  for (const [text, problem] of [
    ["sum(rate(shadowsocks_connections_total[5m])", /not PromQL/],
    ["sum(up))", /not PromQL/],
    ["fleet_prots_failed", /no series fleet_prots_failed/],
    ["shadowsocks_dial_duration_seconds", /no series/],
    ['fleet_members{sort="gateway"}', /no label sort/],
    ['fleet_members{kind="relay"}', /no kind is relay/],
    ['rate(shadowsocks_connections_total{outcome=~"DIAL_.+|OKAY"}[5m])', /no outcome is OKAY/],
    ['rate(shadowsocks_handshake_failures_total{error_type="AUTH_FAIL"}[5m])', /no error_type is AUTH_FAIL/],
    ['up{job="tcp-relay"}', /no job is tcp-relay/],
    ["shadowsocks_connections_total", /not in rate/],
    ["sum(shadowsocks_connections_total)", /is in sum/],
    ["rate(sum(shadowsocks_connections_total)[5m:])", /is in sum/],
    ["rate(fleet_keys_active[5m])", /gauge fleet_keys_active/],
    ["rate(v8js_gc_duration_bucket[5m])", /not in histogram_quantile/],
    ["sum by (knid) (fleet_members)", /label knid/],
  ] as const) {
    assert.ok(
      problemsOf(text).some((found) => problem.test(found)),
      `${text}: ${problemsOf(text).join("; ") || "nothing found"}`,
    );
  }
});

test("comparisons become questions that always have an answer", () => {
  assert.equal(withBoolComparisons('sum(up{job!="x"} == 0) > 2 and b >= bool 3'), 'sum(up{job!="x"} == bool 0) > bool 2 and b >= bool 3');
  assert.equal(withBoolComparisons("a > on (b) c"), "a > bool on (b) c");
  assert.ok(alerts.every(({ expr }) => parseQuery(withBoolComparisons(expr)).mistakes.length === 0));
});
