import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ProgramResult, runProgram } from "@shadowfleet/testkit";
import { buildPatchedAddon, OVERFLOW, type Patch, WITHOUT_ROOM } from "./patched-addon.ts";
import { buildTestAddon, compilerLibrary, missingCompiler, withAddon } from "./test-addon.ts";

const DEADLINE_MS = 280_000;
const FUZZ_ROUNDS = "1000";
const OURS = /aead\.node|ciphers_new|context_new|datagrams_new|streams_new|define_/;

/** Nothing is freed with its thread. */
const LEAK: Patch = { file: "native/addon.c", text: "  ciphers_free(ciphers);", instead: "  (void)ciphers;" };

const file = (name: string): string => join(import.meta.dirname, name);
const libasan = compilerLibrary("libasan.so");
const missingSanitizer =
  missingCompiler ?? (libasan === undefined ? "the compiler has no AddressSanitizer (Debian package gcc)" : undefined);

function sanitized(addon: string, args: readonly string[], asanOptions: string): Promise<ProgramResult> {
  const env = { ...withAddon(addon), LD_PRELOAD: libasan, ASAN_OPTIONS: asanOptions, AEAD_FUZZ_ROUNDS: FUZZ_ROUNDS };
  return runProgram(process.execPath, args, { env, deadlineMs: DEADLINE_MS });
}

describe("the addon under AddressSanitizer and UndefinedBehaviorSanitizer", { skip: missingSanitizer ?? false }, () => {
  const build = (name: string, patch: Patch) => buildPatchedAddon(name, [patch], { sanitize: true });

  it("passes conformance, misuse and fuzzing", async () => {
    const addon = buildTestAddon({ name: "sanitized", sanitize: true });
    const sockets = ["datagram-socket", "shared-read", "connection", "native-flow"].map((name) => `../../transport/test/${name}.test.ts`);
    const tests = ["conformance.test.ts", "misuse.test.ts", "fuzz.test.ts", "datagrams.test.ts", "streams.test.ts", ...sockets].map(file);
    const { code, stdout, stderr } = await sanitized(addon, ["--test", "--test-concurrency=1", ...tests], "detect_leaks=0");
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stdout.toString(), /skipped 0/);
  });

  it("leaves nothing behind when its threads end, and would be caught if it did", async () => {
    const clean = await sanitized(buildTestAddon({ name: "sanitized", sanitize: true }), [file("threads.ts")], "detect_leaks=1");
    assert.match(clean.stdout.toString(), /^5 threads ended$/m);
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
