import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { missingProgramsReason, type ProgramResult, runProgram } from "@shadowfleet/testkit";
import { buildPatchedAddon, OVERFLOW, WITHOUT_ROOM } from "./patched-addon.ts";
import { missingCompiler, testAddonPath } from "./test-addon.ts";

const DEADLINE_MS = 280_000;
const missingValgrind = missingCompiler ?? missingProgramsReason(["valgrind"], "valgrind");

function underValgrind(args: readonly string[]): Promise<ProgramResult> {
  // Addresses only: what a JavaScript heap leaves uninitialised is its own affair.
  const flags = ["-q", "--error-exitcode=99", "--undef-value-errors=no", process.execPath, "--jitless"];
  return runProgram("valgrind", [...flags, ...args], { deadlineMs: DEADLINE_MS });
}

describe("the addon under valgrind", { skip: missingValgrind ?? false }, () => {
  it("touches no byte beyond its buffers, in OpenSSL's assembly code neither", async () => {
    const { code, stdout, stderr } = await underValgrind([join(import.meta.dirname, "exact-buffers.mjs"), testAddonPath()]);
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stdout.toString(), /^104 lengths$/m);
  });

  it("would be caught doing so", async () => {
    const { code, stderr } = await underValgrind(["-e", WITHOUT_ROOM, buildPatchedAddon("overflowing-plainly", [OVERFLOW])]);
    assert.equal(code, 99);
    assert.match(stderr.toString(), /Invalid write/);
  });
});
