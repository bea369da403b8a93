import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildTestAddon, TEST_OUTPUT } from "./test-addon.ts";

const PACKAGE = join(import.meta.dirname, "..");

/** One text in one file of the package, and what stands there instead. */
export interface Patch {
  readonly file: string;
  readonly text: string;
  readonly instead: string;
}

/** Builds an addon with something wrong in it. Returns its path. */
export function buildPatchedAddon(name: string, patches: readonly Patch[], options: { readonly sanitize?: boolean } = {}): string {
  const copy = join(TEST_OUTPUT, `${name}-sources`);
  rmSync(copy, { recursive: true, force: true });
  for (const part of ["native", "build.mjs"]) cpSync(join(PACKAGE, part), join(copy, part), { recursive: true });
  for (const { file, text, instead } of patches) {
    const source = readFileSync(join(copy, file), "utf8");
    assert.equal(source.split(text).length, 2, `${file} has "${text}" once`);
    writeFileSync(join(copy, file), source.replace(text, instead));
  }
  return buildTestAddon({ ...options, name, script: join(copy, "build.mjs") });
}
