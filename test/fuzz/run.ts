/**
 * Fuzzes the parsers: `node test/fuzz/run.ts [--target NAME]… [--inputs N] [--seed S] [--seconds T] [--processes P] [--outcomes]`, or
 * `node test/fuzz/run.ts --replay FILE`. Ends with status 1 when there are findings, which are written below .test-output/fuzz.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runFuzz } from "./harness/crew.ts";
import { executeInput } from "./harness/execution.ts";
import { readCase, writeFinding } from "./harness/finding.ts";
import { formatOutcomes, formatTable } from "./harness/table.ts";
import { targets } from "./targets/index.ts";

const { values } = parseArgs({
  options: {
    target: { type: "string", multiple: true },
    inputs: { type: "string", default: "10000000" },
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "86400" },
    processes: { type: "string", default: String(availableParallelism()) },
    outcomes: { type: "boolean", default: false },
    replay: { type: "string" },
  },
});

function chosenTargets(names: readonly string[] | undefined): typeof targets {
  const unknown = (names ?? []).filter((name) => !targets.some((target) => target.name === name));
  if (unknown.length > 0) {
    console.error(`no target ${unknown.join(", ")}; there are ${targets.map(({ name }) => name).join(", ")}`);
    process.exit(2);
  }
  return names ? targets.filter(({ name }) => names.includes(name)) : targets;
}

async function replay(path: string): Promise<number> {
  const { target: name, input } = readCase(path);
  const [target] = chosenTargets([name]);
  const result = target && (await executeInput(target, input));
  console.log(result && "outcome" in result ? `${name}: ${result.outcome}` : `${name}: ${result?.kind}: ${result?.message}`);
  return result && "outcome" in result ? 0 : 1;
}

async function fuzz(): Promise<number> {
  const totals = await runFuzz({
    registry: join(import.meta.dirname, "targets/index.ts"),
    targets: chosenTargets(values.target),
    processes: Number(values.processes),
    seed: Number(values.seed),
    inputs: Number(values.inputs),
    seconds: Number(values.seconds),
  });
  console.log(formatTable(totals));
  if (values.outcomes) console.log(`\n${formatOutcomes(totals)}`);
  const findings = totals.flatMap((total) => total.findings);
  for (const finding of findings) console.log(`\n${finding.target} ${finding.kind}: ${finding.message}\n  ${writeFinding(finding)}`);
  return findings.length > 0 ? 1 : 0;
}

process.exitCode = values.replay === undefined ? await fuzz() : await replay(values.replay);
