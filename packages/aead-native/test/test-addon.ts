import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { findProgram, missingProgramsReason } from "@shadowfleet/testkit";
import type { AeadBackend } from "@shadowfleet/wire";
import { loadAddon, type NativeAddon } from "../src/addon.ts";
import { createNativeBackend } from "../src/native-aead.ts";

/** Below the output of all tests. */
export const TEST_OUTPUT = join(import.meta.dirname, "../../../.test-output/aead-native");

/** Names an addon to test instead of one built here. */
const VARIABLE = "SHADOWFLEET_TEST_ADDON";

/** Why the addon cannot be built for tests here. */
export const missingCompiler = missingProgramsReason(["cc"], "gcc and libc6-dev");

export interface BuildOptions {
  /** Of the folder, below the tests' output. */
  readonly name: string;
  readonly sanitize?: boolean;
  /** The program, when it is not the one of this package. */
  readonly script?: string;
}

/** Builds an addon that installations do not see; throws with the compiler's words. Returns its path. */
export function buildTestAddon({ name, sanitize = false, script = join(import.meta.dirname, "../build.mjs") }: BuildOptions): string {
  const folder = join(TEST_OUTPUT, name);
  const flags = ["--strict", "--output", folder, ...(sanitize ? ["--sanitize"] : [])];
  execFileSync(process.execPath, [script, ...flags], { stdio: ["ignore", "inherit", "pipe"] });
  return join(folder, "aead.node");
}

/** For a run of test files with another addon. */
export function withAddon(path: string): Readonly<Record<string, string>> {
  return { [VARIABLE]: path };
}

/** The addon under test, built when it is not yet. Only where there is a compiler. */
export function testAddonPath(): string {
  return process.env[VARIABLE] ?? buildTestAddon({ name: "addon" });
}

export function testAddon(): NativeAddon {
  return loadAddon(testAddonPath());
}

export function testBackend(): AeadBackend {
  return createNativeBackend(testAddon());
}

/** Where the compiler's own library of that name is; undefined when it is not installed. */
export function compilerLibrary(name: string): string | undefined {
  if (findProgram("cc") === undefined) return undefined;
  const path = execFileSync("cc", [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
  return path === name ? undefined : path;
}
