import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const GENERATED = [
  "packages/control-api/src/gen/**/*.ts",
  "docs/metrics.md",
  "docs/errors.md",
  "helm/shadowfleet/README.md",
  "helm/shadowfleet/values.schema.json",
  "helm/shadowfleet/files/dashboards/*.json",
];

function read(folder: string): Map<string, string> {
  const files = GENERATED.flatMap((pattern) => globSync(pattern, { cwd: folder })).sort();
  return new Map(files.map((file) => [file, readFileSync(join(folder, file), "utf8")]));
}

test("generated files are what `npm run gen` makes of their sources now", (t) => {
  // A copy of the sources, so that a stale file is seen rather than silently rewritten in the checkout.
  const copy = mkdtempSync(join(tmpdir(), "shadowfleet-gen-"));
  t.after(() => rmSync(copy, { recursive: true, force: true }));
  for (const part of ["proto", "packages", "deploy/dashboards", "helm", "scripts", "docs", "buf.yaml", "buf.gen.yaml", "package.json"]) {
    cpSync(join(root, part), join(copy, part), { recursive: true, filter: (source) => !source.includes("node_modules") });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  execFileSync(process.execPath, [join(copy, "scripts/generate.ts")], { cwd: copy, stdio: "pipe" });
  const fresh = read(copy);
  assert.ok(fresh.size > 5, "nothing was generated");
  assert.deepEqual([...fresh.keys()], [...read(root).keys()], "files are missing or left over: npm run gen");
  for (const [file, text] of read(root)) assert.equal(text, fresh.get(file), `${file} is stale: npm run gen`);
});
