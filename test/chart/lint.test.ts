import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { helmMissingReason } from "./helm/binary.ts";
import { startHelms } from "./helm/helm.ts";
import { inPairs, matrix } from "./matrix.ts";

suite("helm lint", { skip: helmMissingReason() }, () => {
  let helms: Awaited<ReturnType<typeof startHelms>>;
  before(async () => {
    helms = await startHelms();
  });
  after(() => helms[Symbol.asyncDispose]());

  test("--strict has nothing to say about any values of the matrix", async () => {
    // In turns: what either renders of the same values is compared elsewhere.
    const cases = matrix().map((one, index) => ({ helm: helms.all[index % helms.all.length]!, one }));
    await inPairs(cases, async ({ helm, one }) => {
      const { code, stdout, stderr } = await helm.lint(one.options);
      assert.equal(code, 0, `${helm.name}, ${one.name}:\n${stdout}${stderr}`);
      assert.match(stdout, /1 chart\(s\) linted, 0 chart\(s\) failed/);
      assert.doesNotMatch(stdout, /\[(WARNING|ERROR)\]/, `${helm.name}, ${one.name}`);
    });
  });
});
