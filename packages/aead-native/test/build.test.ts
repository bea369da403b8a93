import assert from "node:assert/strict";
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { runProgram } from "@shadowfleet/testkit";
import { missingCompiler, TEST_OUTPUT } from "./test-addon.ts";

const PACKAGE = join(import.meta.dirname, "..");
const folder = join(TEST_OUTPUT, "build-script");
const copy = join(folder, "package");
const programs = join(folder, "bin");
const addon = join(copy, "build/aead.node");

/** What it writes, as somebody who installs sees it. */
async function build(
  options: { readonly flags?: readonly string[]; readonly path?: string } = {},
): Promise<{ code: number | null; said: string }> {
  const { flags = [], path = process.env.PATH } = options;
  const env = { PATH: path };
  const { code, stdout, stderr } = await runProgram(process.execPath, [join(copy, "build.mjs"), ...flags], { env, deadlineMs: 60_000 });
  return { code, said: `${stdout}${stderr}` };
}

describe("the build of the addon", () => {
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(programs, { recursive: true });
    for (const part of ["native", "build.mjs"]) cpSync(join(PACKAGE, part), join(copy, part), { recursive: true });
  });

  it("says one line where there is no compiler, once, and ends well", async () => {
    const first = await build({ path: programs });
    assert.equal(first.code, 0);
    assert.match(first.said, /^The native accelerator is not built, node:crypto serves instead: there is no C compiler \([^\n]+\)\.\n$/);
    assert.deepEqual(await build({ path: programs }), { code: 0, said: "" });
    assert.equal(existsSync(addon), false);
  });

  it("says one line where the compiler fails, once, and does not try again", async () => {
    symlinkSync("/bin/sh", join(programs, "sh"));
    const compiler = join(programs, "cc");
    writeFileSync(compiler, `#!/bin/sh\nprintf x >>"${join(folder, "runs")}"\nexit 1\n`);
    chmodSync(compiler, 0o755);
    const first = await build({ path: programs });
    assert.deepEqual([first.code, first.said.split("\n").length], [0, 2]);
    assert.match(first.said, /cc does not compile it/);
    assert.deepEqual(await build({ path: programs }), { code: 0, said: "" });
    assert.equal(statSync(join(folder, "runs")).size, 1);
    assert.equal((await build({ path: programs, flags: ["--strict"] })).code, 1);
  });

  it("is done once for the same sources, and again when the file is not what was built", { skip: missingCompiler ?? false }, async () => {
    assert.deepEqual(await build(), { code: 0, said: "" });
    const { ino, size } = statSync(addon);
    assert.deepEqual(await build(), { code: 0, said: "" });
    assert.equal(statSync(addon).ino, ino);
    appendFileSync(addon, "x");
    assert.deepEqual(await build(), { code: 0, said: "" });
    assert.equal(statSync(addon).size, size);
  });

  it("leaves no addon of former sources behind when it cannot make one of the present", { skip: missingCompiler ?? false }, async () => {
    await build();
    assert.ok(existsSync(addon));
    appendFileSync(join(copy, "native/chunks.c"), "\nno C at all\n");
    assert.match((await build()).said, /cc does not compile it/);
    assert.equal(existsSync(addon), false);
  });

  it("begins where a compiler has come since", { skip: missingCompiler ?? false }, async () => {
    await build({ path: programs });
    assert.deepEqual(await build(), { code: 0, said: "" });
    assert.ok(existsSync(addon));
  });
});
