import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { findProgram, runProgram } from "@shadowfleet/testkit";

/** Paths of the two native programs. */
export interface LoadPrograms {
  readonly load: string;
  readonly target: string;
}

const SOURCES = join(import.meta.dirname, "../load");
const OUTPUT = join(import.meta.dirname, "../../../.test-output/bench/programs");
const FLAGS = ["-O2", "-Wall", "-Wextra"];
const COMPILE_DEADLINE_MS = 60_000;

/** Why the generator cannot be built here; undefined when it can. */
export function missingCompilerReason(): string | undefined {
  return findProgram("cc") === undefined ? "no C compiler: cc is not installed (Debian packages gcc and libc6-dev)" : undefined;
}

/** Compiles load generator and target unless these very sources have been compiled before. Rejects with what the compiler said. */
export async function buildLoadPrograms(): Promise<LoadPrograms> {
  const reason = missingCompilerReason();
  if (reason !== undefined) throw new Error(reason);
  const files = globSync("*.{c,h}", { cwd: SOURCES }).sort();
  const hash = createHash("sha256").update(FLAGS.join(" "));
  for (const file of files) hash.update(file).update(readFileSync(join(SOURCES, file)));
  const version = hash.digest("hex").slice(0, 16);
  const modules = files.filter((file) => file.endsWith(".c") && file !== "target.c");
  const [load, target] = await Promise.all([compile(`load-${version}`, modules), compile(`target-${version}`, ["target.c"])]);
  return { load, target };
}

async function compile(name: string, files: readonly string[]): Promise<string> {
  const path = join(OUTPUT, name);
  if (existsSync(path)) return path;
  mkdirSync(OUTPUT, { recursive: true });
  // Renamed when complete: another run may be building the same.
  const draft = `${path}.${process.pid}`;
  const { code, stderr } = await runProgram("cc", [...FLAGS, "-o", draft, ...files], { cwd: SOURCES, deadlineMs: COMPILE_DEADLINE_MS });
  if (code !== 0) throw new Error(`cc cannot build ${name}:\n${stderr}`);
  renameSync(draft, path);
  return path;
}
