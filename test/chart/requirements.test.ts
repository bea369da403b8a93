import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { helmMissingReason } from "./helm/binary.ts";
import { chartFolder, startHelms } from "./helm/helm.ts";
import { inPairs, OPERATOR_API_VERSIONS } from "./matrix.ts";
import { ADMISSIBLE, MIXED_PORTS_CHANGE, REFUSALS } from "./refusals.ts";

suite("values that do not go together are refused", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  before(async () => {
    helms = await startHelms();
  });
  after(() => helms[Symbol.asyncDispose]());

  /** The sentences the chart says about values, or none when it renders. */
  async function problemsOf(values: object, apiVersions = OPERATOR_API_VERSIONS, index = 0): Promise<string[]> {
    const helm = helms.all[index % helms.all.length]!;
    const { code, stderr } = await helm.template({ values, apiVersions });
    if (code === 0) return [];
    assert.match(stderr, /execution error at .*: these values cannot be used:/, stderr.slice(0, 1_000));
    return stderr.split("\n").flatMap((line) => /^ {2}- (.*)$/.exec(line)?.[1] ?? []);
  }

  test("each mistake gets its sentences and no other, with either Helm", async () => {
    await inPairs([...REFUSALS.entries()], async ([index, { values, says, apiVersions }]) => {
      assert.deepEqual((await problemsOf(values, apiVersions, index)).sort(), [...says].sort(), JSON.stringify(values));
    });
  });

  test("every sentence the chart has is provoked by one of these mistakes", () => {
    const sentences = sentencesOf();
    assert.ok(sentences.length > 30, `only ${sentences.length} sentences found`);
    const said = [...REFUSALS.flatMap(({ says }) => says), MIXED_PORTS_CHANGE];
    const unprovoked = sentences.filter((sentence) => !said.some((text) => patternOf(sentence).test(text)));
    assert.deepEqual(unprovoked, []);
  });

  test("each sentence begins with the value it is about", () => {
    for (const text of REFUSALS.flatMap(({ says }) => says))
      assert.match(text, /^([a-zA-Z]+(\.[a-zA-Z]+)*( \(or [\w.]+\))?:|port \d+ is an admin port) /, text);
  });

  test("all mistakes are reported at once", async () => {
    const values = {
      redis: { enabled: false },
      relay: { layout: "daemonset", autoscaling: { type: "hpa" } },
      declared: { gateway: { port: 9999 } },
    };
    assert.equal((await problemsOf(values)).length, 3);
  });

  test("what is near a mistake and none is accepted", async () => {
    await inPairs(ADMISSIBLE, async (values) => assert.deepEqual(await problemsOf(values), [], JSON.stringify(values)));
  });
});

/** The sentences in the chart's templates, as they stand there: with %s and %d for what they name. */
function sentencesOf(): string[] {
  const templates = globSync("templates/**/*.{tpl,yaml}", { cwd: chartFolder }).map((file) =>
    readFileSync(join(chartFolder, file), "utf8"),
  );
  return templates.flatMap((text) => [...text.matchAll(/"text" (?:\(printf )?"((?:[^"\\]|\\.)*)"/g)].map(([, sentence]) => sentence!));
}

function patternOf(sentence: string): RegExp {
  const parts = sentence.split(/%[sd]/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".+")}$`);
}
