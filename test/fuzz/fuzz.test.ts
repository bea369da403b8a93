import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { runFuzz } from "./harness/crew.ts";
import { executeInput } from "./harness/execution.ts";
import { readCase, writeFinding } from "./harness/finding.ts";
import { UNIT_INPUTS } from "./harness/target.ts";
import { targets } from "./targets/index.ts";

/** Of every unit; the long run is `npm run fuzz`. */
const SHARE = 0.25;
/** Far beyond what it takes, which is some seconds. */
const MAX_SECONDS = 240;

describe("the corpus of what was found", () => {
  const cases = globSync("corpus/*.json", { cwd: import.meta.dirname }).sort();

  it("is there", () => assert.ok(cases.length >= 5));

  for (const file of cases) {
    it(`${basename(file, ".json")} stays mended`, async () => {
      const { target: name, input } = readCase(join(import.meta.dirname, file));
      const target = targets.find((candidate) => candidate.name === name);
      assert.ok(target, `there is a target ${name}`);
      const result = await executeInput(target, input);
      await target.close?.();
      assert.ok("outcome" in result, JSON.stringify(result));
    });
  }
});

describe("a short run of the fuzzer", () => {
  it("finds nothing in any target, and gets behind the first check of each", async () => {
    const totals = await runFuzz({
      registry: join(import.meta.dirname, "targets/index.ts"),
      targets,
      processes: Math.min(4, availableParallelism()),
      seed: 1,
      inputs: 1,
      share: SHARE,
      seconds: MAX_SECONDS,
    });
    const findings = totals.flatMap((total) => total.findings);
    for (const finding of findings) writeFinding(finding);
    assert.deepEqual(
      findings.map(({ target, kind, message }) => `${target} ${kind}: ${message}`),
      [],
    );
    for (const { target: name, inputs, outcomes } of totals) {
      const target = targets.find((candidate) => candidate.name === name);
      assert.equal(inputs, Math.ceil((target?.unit ?? UNIT_INPUTS) * SHARE), `${name}: every input was executed`);
      for (const outcome of target?.reaches ?? []) assert.ok((outcomes[outcome] ?? 0) > 0, `${name} never came to "${outcome}"`);
    }
    const all = totals.reduce((sum, { inputs }) => sum + inputs, 0);
    assert.ok(all > 100_000, `${all} inputs`);
  });
});
