import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const bin = (name: string): string => join(root, "node_modules/.bin", name);

function runTool(command: string, args: string[], cwd = root): { status: number | null; output: string } {
  const result = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  return { status: result.status, output: result.stdout + result.stderr };
}

test("the type checker is content", () => {
  const { status, output } = runTool(bin("tsc"), ["-p", "."]);
  assert.equal(status, 0, output);
});

test("formatting and lint rules hold", () => {
  const { status, output } = runTool(bin("biome"), ["ci", "--colors=off", "--max-diagnostics=50", "."]);
  assert.equal(status, 0, output);
});

test("the API contract obeys buf's STANDARD and COMMENTS rules and is formatted", () => {
  const lint = runTool(bin("buf"), ["lint"]);
  assert.equal(lint.status, 0, lint.output);
  const format = runTool(bin("buf"), ["format", "--diff", "--exit-code", "proto"]);
  assert.equal(format.status, 0, format.output);
});

test("the API contract breaks nobody who uses the released one (proto/baseline.binpb)", (t) => {
  const against = ["breaking", "--against", join(root, "proto/baseline.binpb")];
  const now = runTool(bin("buf"), against);
  assert.equal(now.status, 0, now.output);

  // The check can fail: a copy in which one field has another number.
  const copy = mkdtempSync(join(tmpdir(), "shadowfleet-proto-"));
  t.after(() => rmSync(copy, { recursive: true, force: true }));
  for (const part of ["proto", "buf.yaml"]) cpSync(join(root, part), join(copy, part), { recursive: true });
  const file = join(copy, "proto/shadowfleet/v1/access_key.proto");
  const text = readFileSync(file, "utf8");
  assert.match(text, /string display_name = 2;/);
  writeFileSync(file, text.replace("string display_name = 2;", "string display_name = 99;"));
  assert.notEqual(runTool(bin("buf"), against, copy).status, 0, "a renumbered field went unnoticed");
});
