/**
 * Runs the test suites and prints counts by suite. `node scripts/test.ts [--list] [SUITE…]`; a suite is a workspace folder or a folder of test/.
 * With CI set, a skipped test is a failure: what a laptop may lack, CI must have.
 * REQUIRE_CONTAINERS=1 asks that of containers alone.
 */
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import type { TestEvent } from "node:test/reporters";
import { parseArgs } from "node:util";
import { isEngineSuite, type Obstacle, obstacleOf } from "./engine-suites.ts";

const root = join(import.meta.dirname, "..");
const TEST_TIMEOUT_MS = 300_000;
/** Node's own timeout ends tests, not what they leave behind. */
const FILE_ARGUMENTS = [`--import=${join(import.meta.dirname, "file-watchdog.ts")}`];
const SLOWEST_SHOWN = 24;

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

/** Their files measure time or load, so nothing else runs beside them, but for those of the same line. */
const APART: readonly (readonly string[])[] = [
  ["bench"],
  ["chaos", "soak"],
  ["floods"],
  ["limits"],
  ["probes"],
  ["compose"],
  ["containers"],
  ["images"],
];

/** What is known of a suite while its files run. */
class SuiteRun {
  readonly counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  readonly notes: string[] = [];
  readonly #name: string;
  readonly #output = new Map<string, string>();
  #filesLeft: number;
  #startedMs: number | undefined;
  #isPrinted = false;

  constructor(name: string, files: number) {
    this.#name = name;
    this.#filesLeft = files;
  }

  begin(): void {
    this.#startedMs ??= performance.now();
  }

  say(file: string, message: string): void {
    this.#output.set(file, ((this.#output.get(file) ?? "") + message).slice(-4_000));
  }

  take({ type, data }: Extract<TestEvent, { type: "test:pass" | "test:fail" }>): void {
    const { name, file, details, skip } = data;
    if (details.type === "suite") {
      if (type === "test:fail") this.#takeSuite(name, file, (details as { error?: unknown }).error);
      return;
    }
    if (skip !== undefined && skip !== false) {
      this.counts.skipped++;
      this.notes.push(`  ○ skipped: ${name}${typeof skip === "string" ? ` (${skip})` : ""}`);
    } else if (type === "test:pass") {
      this.counts.passed++;
    } else {
      this.counts.failed++;
      this.notes.push(describeFailure(name, file, (details as { error?: unknown }).error));
      const entry = (data as { readonly entryFile?: string }).entryFile ?? file ?? "";
      const said = this.#output.get(entry);
      if (said) this.notes.push(`      output of ${relative(root, entry)}:\n${said.replace(/^/gm, "      | ")}`);
    }
  }

  /** Its tests are counted by themselves; when a hook failed they say only that they were cancelled. */
  #takeSuite(name: string, file: string | undefined, error: unknown): void {
    const { failureType } = error as { readonly failureType?: string };
    if (failureType !== "subtestsFailed") this.notes.push(describeFailure(name, file, error));
  }

  /** A file has ended; `success` false: with failures, which then have to be among those counted. */
  fileOver(file: string, success: boolean): void {
    if (!success && this.counts.failed === 0) {
      this.counts.failed++;
      this.notes.push(`  ✖ ${relative(root, file)} failed, no test of it did`);
    }
    if (--this.#filesLeft === 0) this.print();
  }

  /** Once. */
  print(): void {
    if (this.#isPrinted) return;
    this.#isPrinted = true;
    const seconds = ((performance.now() - (this.#startedMs ?? performance.now())) / 1000).toFixed(1);
    const { passed, failed, skipped } = this.counts;
    console.log(
      `${this.#name.padEnd(14)} ${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed ${String(skipped).padStart(4)} skipped  ${seconds} s`,
    );
    for (const note of this.notes) console.log(note);
  }
}

/** How long each file took. */
const durations = new Map<string, number>();

/** Runs the files of several suites as one pool, so that no core waits for the last file of a suite. */
async function runPool(pool: ReadonlyMap<string, readonly string[]>, concurrency: number): Promise<Counts[]> {
  const runs = new Map([...pool].map(([suite, files]) => [suite, new SuiteRun(suite, files.length)] as const));
  const runOf = new Map([...pool].flatMap(([suite, files]) => files.map((file) => [file, runs.get(suite)!] as const)));
  const stream = run({ files: [...runOf.keys()], concurrency, timeout: TEST_TIMEOUT_MS, execArgv: FILE_ARGUMENTS });
  for await (const event of stream) {
    // A test may be defined in another file than the one that runs it.
    const { entryFile, file = "" } = (event.data ?? {}) as { readonly entryFile?: string; readonly file?: string };
    const suite = runOf.get(entryFile ?? file);
    if (event.type === "test:pass" || event.type === "test:fail") {
      if (!suite) throw new Error(`a test of no suite: ${event.data.name} (${file})`);
      suite.begin();
      suite.take(event);
    } else if (event.type === "test:stdout" || event.type === "test:stderr") suite?.say(entryFile ?? file, event.data.message);
    else if (event.type === "test:summary" && suite) {
      durations.set(entryFile ?? file, event.data.duration_ms);
      suite.fileOver(entryFile ?? file, event.data.success);
    } else if (event.type === "test:dequeue") suite?.begin();
  }
  for (const suite of runs.values()) suite.print();
  return [...runs.values()].map(({ counts }) => counts);
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
const wanted = [...suites].filter(([suite]) => positionals.length === 0 || positionals.includes(suite));
const pooled = new Map(wanted.filter(([suite]) => !APART.flat().includes(suite)));
const results = pooled.size > 0 ? await runPool(pooled, availableParallelism() + 1) : [];
for (const names of APART) {
  const group = new Map(wanted.filter(([suite]) => names.includes(suite)));
  const [[first = "", files = []] = []] = group;
  const obstacle = obstacleOf(first);
  if (obstacle) results.push(leaveOut(first, files, obstacle));
  else if (group.size > 0) results.push(...(await runPool(group, isEngineSuite(first) ? 1 : availableParallelism())));
}
for (const counts of results) for (const count of ["passed", "failed", "skipped"] as const) total[count] += counts[count];
const slowest = [...durations].sort(([, a], [, b]) => b - a).slice(0, SLOWEST_SHOWN);
if (durations.size > SLOWEST_SHOWN) {
  console.log(`slowest: ${slowest.map(([file, ms]) => `${relative(root, file)} ${(ms / 1000).toFixed(0)} s`).join(", ")}`);
}
const skipsFail = process.env.CI !== undefined && total.skipped > 0;
if (skipsFail) console.log("CI runs everything: a skipped test counts as a failure here.");
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || skipsFail || total.passed === 0 ? 1 : 0);
