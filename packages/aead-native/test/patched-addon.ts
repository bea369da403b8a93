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

/** No look at the room there is: what does not fit goes into whatever lies behind. */
export const OVERFLOW: Patch = {
  file: "native/arguments.c",
  text: "if (room.length < needed)",
  instead: "if (room.length > SIZE_MAX - needed)",
};

/** Writes one byte beyond a buffer, unless the addon refuses to: for `node -e`, with the addon as argument. */
export const WITHOUT_ROOM = `
  const addon = require(process.argv[1]);
  const call = (dst) => addon.open(2, Buffer.alloc(32), Buffer.alloc(12), undefined, Buffer.alloc(416), 0, 416, dst, 0);
  try { call(Buffer.allocUnsafeSlow(399)); } catch (error) { console.log("refused: " + error.message); }`;
