import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { missingProgramsReason, type ProgramResult, runProgram } from "@shadowfleet/testkit";
import { type AlertRule, RULE_FILES, readRules } from "./files/rule-files.ts";
import { type AlertAssertion, alertAssertions, RULE_TEST_FILES } from "./files/rule-tests.ts";
import { parseQuery } from "./promql/query.ts";

const reason = missingProgramsReason(["promtool"], "prometheus");
const DEADLINE_MS = 60_000;

const { recording, alerts } = readRules();

function promtool(...args: string[]): Promise<ProgramResult> {
  return runProgram("promtool", args, { deadlineMs: DEADLINE_MS });
}

describe("promtool", reason === undefined ? {} : { skip: reason }, () => {
  test("accepts the rule files", async () => {
    const { code, stdout, stderr } = await promtool("check", "rules", "--lint=all", "--lint-fatal", ...RULE_FILES);
    assert.equal(code, 0, `${stdout}${stderr}`);
  });

  for (const file of RULE_TEST_FILES) {
    test(`alerts of ${basename(file, ".yaml")} fire when they must and are silent when not`, async () => {
      const { code, stdout, stderr } = await promtool("test", "rules", file);
      assert.equal(code, 0, `${stdout}${stderr}`);
    });
  }

  test("the check can fail: another threshold, time or word in a rule is seen", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "shadowfleet-rules-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const rules = readFileSync(RULE_FILES.find((file) => file.endsWith("alerts.yaml"))!, "utf8");
    const tests = readFileSync(RULE_TEST_FILES.find((file) => file.endsWith("processes.yaml"))!, "utf8");
    writeFileSync(join(folder, "tests.yaml"), tests.replace(/^rule_files: .*$/m, "rule_files: [alerts.yaml]"));
    const failsWith = async (from: string, to: string): Promise<boolean> => {
      assert.equal(rules.split(from).length, 2, `"${from}" is not there once`);
      writeFileSync(join(folder, "alerts.yaml"), rules.replace(from, to));
      return (await promtool("test", "rules", join(folder, "tests.yaml"))).code !== 0;
    };
    assert.equal(await failsWith("runs out of file descriptors", "runs out of file descriptors"), false, "unchanged");
    assert.equal(await failsWith("[5m]) > 0.9", "[5m]) > 0.99"), true, "an alert that does not fire");
    assert.equal(
      await failsWith('process_max_fds{job=~"shadowfleet-.+"} > 0.8', 'process_max_fds{job=~"shadowfleet-.+"} > 0.01'),
      true,
      "an alert that fires too early",
    );
    assert.equal(await failsWith("runs out of file descriptors", "runs out"), true, "another text");
  });
});

/** The names an alert's answer depends on, those behind recording rules too. */
function seriesBehind(expr: string): string[] {
  return parseQuery(expr).selectors.flatMap(({ name }) => {
    const rule = recording.find(({ record }) => record === name);
    return rule ? [name, ...seriesBehind(rule.expr)] : [name];
  });
}

/** What the tests owe an alert of that severity. */
function missing({ alert, labels, expr }: AlertRule, assertions: readonly AlertAssertion[]): string[] {
  const severity = labels?.severity ?? "";
  const own = assertions.filter((assertion) => assertion.alert === alert);
  const problems: string[] = [];
  if (!own.some(({ severities }) => severities.includes(severity))) problems.push(`${alert}: nothing asserts that it fires as ${severity}`);
  const silent = own.filter(({ severities }) => !severities.includes(severity));
  if (silent.length === 0) problems.push(`${alert}: nothing asserts that it is silent as ${severity}`);
  // Without any of its series every alert is silent.
  else if (!silent.some(({ series }) => series.some((name) => seriesBehind(expr).includes(name))))
    problems.push(`${alert}: silent as ${severity} only where there is nothing to look at`);
  return problems;
}

test("no alert lacks a test that it fires, or one that it is silent", () => {
  const assertions = alertAssertions();
  assert.deepEqual(
    alerts.flatMap((alert) => missing(alert, assertions)),
    [],
  );
  const unknown = assertions.map(({ alert }) => alert).filter((name) => !alerts.some(({ alert }) => alert === name));
  assert.deepEqual(unknown, [], "tests of alerts that do not exist prove their silence only");
});

test("the check can fail: a missing assertion is seen", () => {
  const rule: AlertRule = { alert: "X", expr: "fleet_ports_failed > 0", labels: { severity: "critical" } };
  const fires: AlertAssertion = { alert: "X", severities: ["critical"], series: ["fleet_ports_failed"] };
  const silent: AlertAssertion = { alert: "X", severities: [], series: ["fleet_ports_failed"] };
  assert.deepEqual(missing(rule, [fires, silent]), []);
  assert.match(missing(rule, [silent]).join(), /that it fires/);
  assert.match(missing(rule, [fires]).join(), /that it is silent/);
  assert.match(missing(rule, [fires, { ...silent, series: ["up"] }]).join(), /nothing to look at/);
  assert.match(missing(rule, [{ ...fires, severities: ["warning"] }, silent]).join(), /fires as critical/);
});
