import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { runProgram } from "@shadowfleet/testkit";
import { missingCompiler, testAddonPath, withAddon } from "./test-addon.ts";

const WIRE_TESTS = join(import.meta.dirname, "../../wire/test");
const PRELOAD = pathToFileURL(join(import.meta.dirname, "use-native.ts")).href;

describe("the wire package on native ciphers", { skip: missingCompiler ?? false }, () => {
  it("passes its tests of SIP004 and SIP022", async () => {
    const files = globSync(["sip004/*.test.ts", "sip022/*.test.ts", "round-trip.test.ts"], { cwd: WIRE_TESTS }).map((file) =>
      join(WIRE_TESTS, file),
    );
    // All in one process: the preload counts for all of them.
    const args = ["--import", PRELOAD, "--test", "--test-isolation=none", ...files];
    const { code, stdout, stderr } = await runProgram(process.execPath, args, { env: withAddon(testAddonPath()), deadlineMs: 240_000 });
    assert.equal(code, 0, `${stdout}${stderr}`);
    const [, made = "0"] = /^(\d+) native ciphers$/m.exec(stdout.toString()) ?? [];
    assert.ok(Number(made) > 1_000, `${made} native ciphers`);
    assert.match(stdout.toString(), /^\S* ?pass \d{3,}$/m);
  });
});
