import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { missingProgramsReason, redisMissingReason } from "@shadowfleet/testkit";
import { dashboardExpressions, type Expression, labelValues, nameOf, ruleExpressions } from "./files/expressions.ts";
import { RULE_FILES, readRules } from "./files/rule-files.ts";
import { ALLOWED_EMPTY } from "./live/allowed-empty.ts";
import { startHonestLoad } from "./live/honest-load.ts";
import { startHostileLoad } from "./live/hostile-load.ts";
import { ObservedFleet } from "./live/observed-fleet.ts";
import { PrometheusServer } from "./live/prometheus.ts";
import type { Repetition } from "./live/repetition.ts";
import { withBoolComparisons } from "./promql/query.ts";
import { substitute } from "./promql/substitution.ts";

const reason = missingProgramsReason(["promtool", "prometheus"], "prometheus") ?? redisMissingReason();
const NAMESPACE = "fleet";
/** So much is seen before the first question: enough scrapes for every rate, and reports every few seconds. */
const WARM_UP_MS = 20_000;
const RATE_INTERVAL = "10s";
const RANGE = "1m";

interface Asked {
  readonly expression: Expression;
  /** Finite samples, or values of a label. */
  readonly answers: number;
  readonly problem: string | undefined;
}

describe("a Prometheus that scrapes a fleet under load", reason === undefined ? { timeout: 240_000 } : { skip: reason }, () => {
  const resources = new AsyncDisposableStack();
  let observed: ObservedFleet;
  let prometheus: PrometheusServer;
  let loads: readonly Repetition[];

  before(async () => {
    observed = resources.use(await ObservedFleet.start());
    prometheus = resources.use(await PrometheusServer.start({ targets: observed.targets, ruleFiles: RULE_FILES, namespace: NAMESPACE }));
    loads = [...(await startHonestLoad(observed, resources)), ...(await startHostileLoad(observed, resources))];
    await sleep(WARM_UP_MS);
  });
  after(() => resources.disposeAsync());

  test("the load is what it is meant to be", (t) => {
    t.diagnostic(loads.map(({ what, successes, lastError }) => `${what}: ${successes}${lastError ? ` (${lastError})` : ""}`).join(", "));
    for (const { what, successes, lastError } of loads) assert.ok(successes > 0, `${what} never worked: ${lastError}`);
  });

  test("every process is scraped, every rule is loaded and evaluates", async () => {
    const up = await prometheus.query("up");
    assert.equal(up.length, observed.targets.length);
    assert.deepEqual(
      up.filter(({ value }) => value !== 1).map(({ metric }) => metric.instance),
      [],
    );
    const rules = await prometheus.rules();
    const { recording, alerts } = readRules();
    assert.equal(rules.length, recording.length + alerts.length);
    const ill = rules.filter(({ health }) => health !== "ok");
    assert.deepEqual(
      ill.map(({ name, health, lastError }) => `${name}: ${health} ${lastError ?? ""}`),
      [],
    );
  });

  test("what the load does is what the series say", async () => {
    const failures = 'rate(shadowsocks_handshake_failures_total{job="shadowfleet-tcp-relay",error_type="%"}[1m])';
    const datagrams = 'rate(shadowsocks_udp_packets_total{job="shadowfleet-udp-relay",outcome="%"}[1m])';
    const sessions = 'rate(shadowsocks_connections_total{outcome="%"}[1m])';
    const calls = 'rate(rpc_server_call_duration_seconds_count{rpc_status_code="%"}[1m])';
    const expected = [
      'rate(shadowsocks_relay_bytes_total{job="shadowfleet-tcp-relay",network_io_direction="up"}[1m])',
      ...["AUTH_FAILED", "REPLAYED", "HANDSHAKE_TIMEOUT", "CLOSED_IN_HANDSHAKE"].map((code) => failures.replace("%", code)),
      ...["OK", "AUTH_FAILED", "REPLAYED", "TARGET_FORBIDDEN", "PACKET_TOO_LARGE"].map((code) => datagrams.replace("%", code)),
      ...["DIAL_REFUSED", "TARGET_FORBIDDEN", "SESSION_TERMINATED", "UDP_SESSION_LIMIT"].map((code) => sessions.replace("%", code)),
      ...["NOT_FOUND", "UNAUTHENTICATED"].map((status) => calls.replace("%", status)),
      'shadowsocks_upstream_fail_count{upstream="dead"}',
      'shadowsocks_upstream_fail_count{upstream="relay"} == bool 0',
      "fleet_redis_aof_ok",
      "fleet_redis_replicas",
      "(fleet_tls_certificate_not_after_seconds - time()) / 86400",
    ];
    const silent: string[] = [];
    for (const query of expected) if (!(await prometheus.query(query)).some(({ value }) => value > 0)) silent.push(query);
    assert.deepEqual(silent, []);
  });

  async function ask(expression: Expression, text: string): Promise<Asked> {
    try {
      if (expression.kind === "variable") {
        const { selector, label } = labelValues(text);
        return { expression, answers: (await prometheus.labelValues(selector, label)).length, problem: undefined };
      }
      // An alert that does not fire has no answer; whether what it looks at is there is told by its comparisons' being answered with 0 or 1.
      const samples = await prometheus.query(expression.kind === "alert" ? withBoolComparisons(text) : text);
      const finite = samples.filter(({ value }) => Number.isFinite(value));
      const names = finite.map(({ metric }) => nameOf(expression.legend, metric));
      const twice = expression.legend === "" ? undefined : names.find((name, index) => names.indexOf(name) !== index);
      return { expression, answers: finite.length, problem: twice && `two lines are named "${twice}"` };
    } catch (error) {
      return { expression, answers: 0, problem: (error as Error).message };
    }
  }

  /** What Grafana would ask with "All" selected everywhere. */
  const questions = [
    ...dashboardExpressions().flatMap(({ allValues, expressions }) =>
      expressions.map((expression) => ({
        expression,
        text: substitute(expression.expr, { rateInterval: RATE_INTERVAL, range: RANGE, variables: allValues }),
      })),
    ),
    ...ruleExpressions().map((expression) => ({ expression, text: expression.expr })),
  ];

  test("every query of every dashboard and rule is answered", async (t) => {
    const startedMs = performance.now();
    const asked: Asked[] = [];
    for (const { expression, text } of questions) asked.push(await ask(expression, text));
    const elapsedMs = performance.now() - startedMs;

    const allowed = new Map(ALLOWED_EMPTY.map((entry) => [entry.where, entry]));
    const problems = asked.flatMap(({ expression, answers, problem }) => {
      const { where } = expression;
      const entry = allowed.get(where);
      if (problem) return [`${where}: ${problem}`];
      if (answers === 0 && !entry) return [`${where}: no answer: ${expression.expr}`];
      if (answers > 0 && entry && !entry.may) return [`${where}: answered, but allowed to be empty: ${entry.reason}`];
      return [];
    });
    const kinds = Object.groupBy(asked, ({ expression }) => expression.kind);
    t.diagnostic(
      Object.entries(kinds)
        .map(([kind, entries]) => `${entries.length} ${kind} queries`)
        .join(", "),
    );
    t.diagnostic(
      `${asked.length} expressions, ${asked.reduce((sum, { answers }) => sum + answers, 0)} samples, ${asked.filter(({ answers }) => answers === 0).length} empty by permission, ${elapsedMs.toFixed(0)} ms`,
    );
    assert.deepEqual(problems, []);
  });

  test("the list of what may be empty has nothing that is not asked", () => {
    const known = new Set(questions.map(({ expression }) => expression.where));
    assert.deepEqual(
      ALLOWED_EMPTY.filter(({ where }) => !known.has(where)),
      [],
    );
  });

  test("the check can fail: what is no query, or about nothing, is told", async () => {
    const of = (expr: string): Promise<Asked> => ask({ where: "", kind: "panel", expr, legend: "{{job}}" }, expr);
    assert.match((await of("sum(up")).problem ?? "", /parse error/);
    assert.equal((await of("shadowsocks_nothing")).answers, 0);
    assert.match((await of("sum(up)")).problem ?? "", /wants the label job/);
    assert.match((await of("up")).problem ?? "", /two lines are named "shadowfleet-management"/);
    assert.equal((await of("sum by (job) (up) / 0 * 0")).answers, 0, "not a number is no answer");
  });
});
