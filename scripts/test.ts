/**
 * Runs the test suites and prints counts by suite. `node scripts/test.ts [--list] [SUITE…]`; a suite is a workspace folder or a folder of test/.
 * With CI set, a skipped test is a failure: what a laptop may lack, CI must have.
 * REQUIRE_CONTAINERS=1 asks that of containers alone.
 */
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import { parseArgs } from "node:util";
import { isEngineSuite, type Obstacle, obstacleOf } from "./engine-suites.ts";

const root = join(import.meta.dirname, "..");
const FILE_TIMEOUT_MS = 300_000;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Suite name to files, cheap suites first and those of containers last. */
function findSuites(): Map<string, string[]> {
  const suites = new Map<string, string[]>();
  const add = (suite: string, file: string): void => {
    suites.set(suite, [...(suites.get(suite) ?? []), join(root, file)]);
  };
  for (const file of globSync("test/house/**/*.test.ts", { cwd: root }).sort()) add("house", file);
  for (const file of globSync("{packages,services}/*/test/**/*.test.ts", { cwd: root }).sort()) add(file.split("/")[1] ?? "", file);
  for (const file of globSync("test/*/**/*.test.ts", { cwd: root }).sort()) {
    const suite = file.split("/")[1] ?? "";
    if (suite !== "house") add(suite, file);
  }
  return new Map([...suites].sort(([a], [b]) => Number(isEngineSuite(a)) - Number(isEngineSuite(b))));
}

function describeFailure(name: string, file: string | undefined, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return `  ✖ ${name}${file ? ` (${relative(root, file)})` : ""}\n${text.replace(/^/gm, "      ")}`;
}

async function runSuite(suite: string, files: string[]): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const notes: string[] = [];
  const output = new Map<string, string>();
  const started = performance.now();
  const concurrency = isEngineSuite(suite) ? 1 : availableParallelism();
  const stream = run({ files, concurrency, timeout: FILE_TIMEOUT_MS });
  for await (const event of stream) {
    if (event.type === "test:stdout" || event.type === "test:stderr") {
      output.set(event.data.file, ((output.get(event.data.file) ?? "") + event.data.message).slice(-4_000));
    }
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { name, file, details, skip } = event.data;
    if (details.type === "suite") continue;
    if (skip !== undefined && skip !== false) {
      counts.skipped++;
      notes.push(`  ○ skipped: ${name}${typeof skip === "string" ? ` (${skip})` : ""}`);
    } else if (event.type === "test:pass") {
      counts.passed++;
    } else {
      counts.failed++;
      notes.push(describeFailure(name, file, details.error));
      const said = file && output.get(file);
      if (said) notes.push(`      output of ${relative(root, file)}:\n${said.replace(/^/gm, "      | ")}`);
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${suite.padEnd(14)} ${String(counts.passed).padStart(5)} passed ${String(counts.failed).padStart(4)} failed ${String(counts.skipped).padStart(4)} skipped  ${seconds} s`,
  );
  for (const note of notes) console.log(note);
  return counts;
}

/** One line for a suite that cannot run here; its files count as skipped, or as failed where they had to run. */
function leaveOut(suite: string, files: string[], { reason, isFailure }: Obstacle): Counts {
  console.log(`${suite.padEnd(14)} left out, ${files.length} file${files.length === 1 ? "" : "s"}: ${reason}`);
  return { passed: 0, failed: isFailure ? files.length : 0, skipped: isFailure ? 0 : files.length };
}

const { values, positionals } = parseArgs({ options: { list: { type: "boolean" } }, allowPositionals: true });
const suites = findSuites();
const unknown = positionals.filter((name) => !suites.has(name));
if (values.list || unknown.length > 0) {
  for (const name of unknown) console.error(`no suite "${name}"`);
  console.log([...suites.keys()].join("\n"));
  process.exit(unknown.length > 0 ? 2 : 0);
}

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const [suite, files] of suites) {
  if (positionals.length > 0 && !positionals.includes(suite)) continue;
  const obstacle = obstacleOf(suite);
  const counts = obstacle ? leaveOut(suite, files, obstacle) : await runSuite(suite, files);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
const skipsFail = process.env.CI !== undefined && total.skipped > 0;
if (skipsFail) console.log("CI runs everything: a skipped test counts as a failure here.");
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || skipsFail || total.passed === 0 ? 1 : 0);
