import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ERROR_CODES, METRICS, type MetricName, RUNTIME_METRICS, seriesName } from "@shadowfleet/runtime";
import { readThreats, type Threat, titlesIn } from "./threat-page.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/threat-model.md"), "utf8");
const threats = readThreats(page);

const SERIES = new Map<string, readonly string[]>([
  ...(Object.keys(METRICS) as MetricName[]).map((name) => [seriesName(name), METRICS[name].attributes] as const),
  ...RUNTIME_METRICS.map(({ series, labels }) => [series, labels] as const),
]);
/** Labels whose values are error codes or OK. */
const CODE_LABELS = ["error_type", "outcome"];
const GROUPS = [
  "The network",
  "Holders of keys",
  "Callers of the API",
  "Neighbours that fail",
  "Operators' mistakes",
  "What it is made of",
];

function mistakesOf({ threat, defence, metric, test: proof }: Threat): string[] {
  const mistakes: string[] = [];
  if (threat.length < 10 || defence.length < 10) mistakes.push("says too little");
  if (metric) {
    const attributes = SERIES.get(metric.series)?.map((attribute) => attribute.replaceAll(/[.-]/g, "_"));
    if (!attributes) mistakes.push(`there is no series ${metric.series}`);
    for (const [label, value] of Object.entries(metric.labels)) {
      if (attributes && !attributes.includes(label)) mistakes.push(`${metric.series} has no label ${label}`);
      if (CODE_LABELS.includes(label) && value !== "OK" && !Object.hasOwn(ERROR_CODES, value)) mistakes.push(`there is no code ${value}`);
    }
  }
  if (!proof) return [...mistakes, "names no test"];
  const file = join(root, proof.file);
  if (!proof.file.endsWith(".test.ts") || !existsSync(file)) return [...mistakes, `there is no test file ${proof.file}`];
  if (!titlesIn(readFileSync(file, "utf8")).some((title) => title.includes(proof.title)))
    mistakes.push(`${proof.file} has no test "${proof.title}"`);
  return mistakes;
}

describe("the threat model", () => {
  test("names a defence, a test that exists, and metrics that exist, for every threat", () => {
    assert.deepEqual(
      threats.flatMap((threat) => mistakesOf(threat).map((mistake) => `${threat.threat}: ${mistake}`)),
      [],
    );
  });

  test("has every group, none of them empty, no threat twice and no test for two", () => {
    assert.deepEqual([...new Set(threats.map(({ group }) => group))], GROUPS);
    for (const group of GROUPS) assert.ok(threats.filter((threat) => threat.group === group).length >= 5, group);
    const twice = (texts: readonly string[]) => texts.filter((text, index) => texts.indexOf(text) !== index);
    assert.deepEqual(twice(threats.map(({ threat }) => threat)), []);
    assert.deepEqual(twice(threats.map(({ test: proof }) => `${proof?.file}: ${proof?.title}`)), []);
  });
});

test("every link of the page leads to a file", () => {
  const links = [...page.matchAll(/\]\(([^)#]+)/g)].map(([, link = ""]) => link);
  assert.ok(links.length > threats.length);
  assert.deepEqual(
    links.filter((link) => !existsSync(join(root, "docs", link))),
    [],
  );
});

test("the check can fail: each kind of mistake is seen", () => {
  const one = (metric: string, proof: string) =>
    `## The network\n\n| threat | defence | metric | test |\n|---|---|---|---|\n| something bad happens | and something stands against it | ${metric} | ${proof} |\n`;
  const good = "[model](../test/threats/threat-model.test.ts): names a defence, a test that exists";
  const mistakes = (metric: string, proof: string) => readThreats(one(metric, proof)).flatMap(mistakesOf).length;
  assert.equal(mistakes("—", good), 0);
  assert.equal(mistakes('`shadowsocks_handshake_failures_total{error_type="REPLAYED"}`', good), 0);
  assert.equal(mistakes("`shadowsocks_handshake_failures`", good), 1);
  assert.equal(mistakes('`shadowsocks_handshake_failures_total{reason="REPLAYED"}`', good), 1);
  assert.equal(mistakes('`shadowsocks_handshake_failures_total{error_type="REPLAYD"}`', good), 1);
  assert.equal(mistakes("shadowsocks_handshake_failures_total, more or less", good), 1);
  assert.equal(mistakes("—", "none yet"), 1);
  assert.equal(mistakes("—", good.replace("threat-model.test", "no-such.test")), 1);
  assert.equal(mistakes("—", `${good} and more`), 1);
  assert.equal(readThreats("| threat | defence |\n|---|---|\n| a | b |\n").length, 0);
});
