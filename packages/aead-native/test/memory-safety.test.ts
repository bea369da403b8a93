import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { missingProgramsReason, type ProgramResult, runProgram } from "@shadowfleet/testkit";
import { buildPatchedAddon, type Patch } from "./patched-addon.ts";
import { buildTestAddon, compilerLibrary, missingCompiler, testAddonPath, withAddon } from "./test-addon.ts";

const DEADLINE_MS = 280_000;
const FUZZ_ROUNDS = "1000";
const OURS = /aead\.node|ciphers_new|context_new/;

/** No look at the room there is: what does not fit goes into whatever lies behind. */
const OVERFLOW: Patch = { file: "native/arguments.c", text: "if (room.length < needed)", instead: "if (room.length > SIZE_MAX - needed)" };
/** Nothing is freed with its thread. */
const LEAK: Patch = { file: "native/addon.c", text: "  ciphers_free(ciphers);", instead: "  (void)ciphers;" };

const file = (name: string): string => join(import.meta.dirname, name);
const libasan = compilerLibrary("libasan.so");
const missingSanitizer =
  missingCompiler ?? (libasan === undefined ? "the compiler has no AddressSanitizer (Debian package gcc)" : undefined);
const missingValgrind = missingCompiler ?? missingProgramsReason(["valgrind"], "valgrind");

/** Writes one byte beyond a buffer, unless the addon refuses to. */
const WITHOUT_ROOM = `
  const addon = require(process.argv[1]);
  const call = (dst) => addon.open(2, Buffer.alloc(32), Buffer.alloc(12), undefined, Buffer.alloc(416), 0, 416, dst, 0);
  try { call(Buffer.allocUnsafeSlow(399)); } catch (error) { console.log("refused: " + error.message); }`;

function sanitized(addon: string, args: readonly string[], asanOptions: string): Promise<ProgramResult> {
  const env = { ...withAddon(addon), LD_PRELOAD: libasan, ASAN_OPTIONS: asanOptions, AEAD_FUZZ_ROUNDS: FUZZ_ROUNDS };
  return runProgram(process.execPath, args, { env, deadlineMs: DEADLINE_MS });
}

function underValgrind(args: readonly string[]): Promise<ProgramResult> {
  // Addresses only: what a JavaScript heap leaves uninitialised is its own affair.
  const flags = ["-q", "--error-exitcode=99", "--undef-value-errors=no", process.execPath, "--jitless"];
  return runProgram("valgrind", [...flags, ...args], { deadlineMs: DEADLINE_MS });
}

describe("the addon under AddressSanitizer and UndefinedBehaviorSanitizer", { skip: missingSanitizer ?? false }, () => {
  const build = (name: string, patch: Patch) => buildPatchedAddon(name, [patch], { sanitize: true });

  it("passes conformance, misuse and fuzzing", async () => {
    const addon = buildTestAddon({ name: "sanitized", sanitize: true });
    const tests = ["conformance.test.ts", "misuse.test.ts", "fuzz.test.ts"].map(file);
    const { code, stdout, stderr } = await sanitized(addon, ["--test", "--test-concurrency=1", ...tests], "detect_leaks=0");
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stdout.toString(), /skipped 0/);
  });

  it("leaves nothing behind when its threads end, and would be caught if it did", async () => {
    const clean = await sanitized(buildTestAddon({ name: "sanitized", sanitize: true }), [file("threads.ts")], "detect_leaks=1");
    assert.doesNotMatch(clean.stderr.toString(), OURS);
    const leaky = await sanitized(build("leaking", LEAK), [file("threads.ts")], "detect_leaks=1");
    assert.match(leaky.stderr.toString(), OURS);
  });

  it("would be caught writing beyond a buffer", async () => {
    const overflowing = build("overflowing", OVERFLOW);
    const { code, stderr } = await sanitized(overflowing, ["-e", WITHOUT_ROOM, overflowing], "detect_leaks=0");
    assert.notEqual(code, 0);
    assert.match(stderr.toString(), /AddressSanitizer: heap-buffer-overflow/);
  });
});

describe("the addon under valgrind", { skip: missingValgrind ?? false }, () => {
  it("touches no byte beyond its buffers, in OpenSSL's assembly code neither", async () => {
    const { code, stdout, stderr } = await underValgrind([file("exact-buffers.mjs"), testAddonPath()]);
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stdout.toString(), /^104 lengths$/m);
  });

  it("would be caught doing so", async () => {
    const { code, stderr } = await underValgrind(["-e", WITHOUT_ROOM, buildPatchedAddon("overflowing-plainly", [OVERFLOW])]);
    assert.equal(code, 99);
    assert.match(stderr.toString(), /Invalid write/);
  });
});
