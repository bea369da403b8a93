import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const bin = (name: string): string => join(root, "node_modules/.bin", name);

function runTool(command: string, args: string[]): { status: number | null; output: string } {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
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
