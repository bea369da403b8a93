import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { PseudoRandom } from "@shadowfleet/testkit";
import { runFuzz, type TargetTotals } from "./harness/crew.ts";
import { executeInput } from "./harness/execution.ts";
import { FINDINGS_FOLDER, type Finding, readCase, writeFinding } from "./harness/finding.ts";
import { mutateParts } from "./harness/mutators.ts";
import { formatTable } from "./harness/table.ts";
import { targets } from "./planted/targets.ts";

describe("a fuzzer that looks at planted bugs", () => {
  let totals: readonly TargetTotals[] = [];
  const findingOf = (name: string): Finding | undefined => totals.find(({ target }) => target === name)?.findings[0];

  before(async () => {
    const registry = join(import.meta.dirname, "planted/targets.ts");
    const run = { registry, seed: 7, seconds: 120, hangMs: 5_000 };
    const isLeak = ({ name }: { readonly name: string }): boolean => name === "leaks";
    totals = [
      ...(await runFuzz({ ...run, targets: targets.filter((target) => !isLeak(target)), processes: 2, inputs: 1 })),
      // Growth shows only from the third unit of one process on.
      ...(await runFuzz({ ...run, targets: targets.filter(isLeak), processes: 1, inputs: 2_000 })),
    ];
  });

  it("finds the length that lies behind a magic number, and makes the input small", async () => {
    const finding = findingOf("believes-length");
    assert.equal(finding?.kind, "exception");
    assert.match(finding.message, /RangeError/);
    const bytes = Buffer.concat(finding.input?.parts ?? []);
    assert.equal(bytes.length, 3, `not ${bytes.toString("hex")}`);
    const path = writeFinding(finding, join(FINDINGS_FOLDER, "planted"));
    const { target: name, input } = readCase(path);
    const target = targets.find((candidate) => candidate.name === name);
    assert.ok(target && "message" in (await executeInput(target, input)), "the file does it again");
    assert.match(readFileSync(path, "utf8"), /"kind": "exception"/);
  });

  it("finds the loop without an end, and the input that leads there", () => {
    const finding = findingOf("hangs");
    assert.equal(finding?.kind, "hang");
    assert.equal(Buffer.concat(finding.input?.parts ?? []).at(1), 0);
  });

  it("finds memory that is never given back", () => {
    assert.equal(findingOf("leaks")?.kind, "memory");
    assert.match(findingOf("leaks")?.message ?? "", /MiB more than after its first units/);
  });

  it("finds the rejection nobody handles, and the process that dies", () => {
    assert.equal(findingOf("rejects")?.kind, "rejection");
    assert.match(findingOf("rejects")?.message ?? "", /nobody waits for this/);
    assert.equal(findingOf("dies")?.kind, "death");
    assert.match(findingOf("dies")?.message ?? "", /SIGKILL/);
  });

  it("accuses nobody else", () => {
    assert.equal(findingOf("sound"), undefined);
    assert.match(formatTable(totals), /^sound +\d{4,}/m);
  });
});

describe("mutations", () => {
  it("repeat with their seed, never change what they are given, and leave no message alone", () => {
    const valid = [Buffer.from("a message"), Buffer.from("and another")];
    const run = (seed: number): string[] => {
      const random = new PseudoRandom(seed);
      return Array.from({ length: 500 }, () =>
        mutateParts(valid, random, valid, ["TOKEN"])
          .map((part) => part.toString("hex"))
          .join(" "),
      );
    };
    assert.deepEqual(run(1), run(1));
    assert.ok(new Set(run(1)).size > 300, "many different ones");
    assert.deepEqual(valid.map(String), ["a message", "and another"]);
  });
});
