// Compiles the addon: `node packages/aead-native/build.mjs`. Does nothing when it is there already, and ends well when it cannot be built:
// everything works without it. Plain JavaScript on purpose: an installation runs this on whatever Node (20 or newer) the machine has.
//   --output DIR   instead of this package's build folder
//   --sanitize     for tests: with AddressSanitizer and UndefinedBehaviorSanitizer
//   --strict       for tests: warnings are errors, and what cannot be built ends with exit code 1 and the compiler's words
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: { output: { type: "string" }, sanitize: { type: "boolean" }, strict: { type: "boolean" } },
});
const output = options.output ?? join(here, "build");
const addon = join(output, "aead.node");
const stamp = `${addon}.stamp`;

const SPEED = ["-O3", "-fvisibility=hidden", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong", "-s"];
const SANITIZERS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const FLAGS = [
  ...["-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-DNAPI_VERSION=8", "-Wall", "-Wextra", "-Wconversion", "-Wshadow"],
  // `now`: a Node that lacks one of the functions refuses the addon when it is loaded, not when the function is called.
  ...["-Wl,-z,now", "-Wl,-z,relro", "-Wl,-z,noexecstack"],
  ...(options.sanitize ? SANITIZERS : SPEED),
  ...(options.strict ? ["-Werror"] : []),
];

/** Not tried again until the sources change. */
const UNCOMPILABLE = "cc does not compile it (--strict shows why)";

/** The headers of Node-API and OpenSSL: those of the Node that npm brings, or of the one that runs this. */
function headers() {
  const pinned = join(here, "../../node_modules", `node-linux-${process.arch}`);
  const candidates = [pinned, dirname(dirname(process.execPath))].map((place) => join(place, "include/node"));
  return candidates.find((place) => existsSync(join(place, "node_api.h")) && existsSync(join(place, "openssl/evp.h")));
}

const sources = join(here, "native");
const files = readdirSync(sources).sort();
// The platform is in it because a checkout may be carried to another machine, or into an image, with what was built in it.
const content = createHash("sha256").update(JSON.stringify([process.platform, process.arch, FLAGS, files]));
for (const file of files) content.update(readFileSync(join(sources, file)));
const version = content.digest("hex");

const told = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";

/** What the stamp says of a complete addon: what it was built from, and what came of it, which is compared before it is loaded. */
function stampOf() {
  return existsSync(addon) ? `${version} ${createHash("sha256").update(readFileSync(addon)).digest("hex")}\n` : undefined;
}

/** What it says where there is none: this reason has been given once. */
const noteOf = (reason) => `${version} not built: ${reason}\n`;

function giveUp(reason, details = "") {
  if (options.strict) {
    process.stderr.write(`${reason}\n${details}`);
    process.exit(1);
  }
  if (told !== noteOf(reason)) process.stderr.write(`The native accelerator is not built, node:crypto serves instead: ${reason}.\n`);
  try {
    mkdirSync(output, { recursive: true });
    writeFileSync(stamp, noteOf(reason));
  } catch {
    // A folder that cannot be written to: then it is said again.
  }
  process.exit(0);
}

function build() {
  // One of other sources is worse than none.
  rmSync(addon, { force: true });
  if (process.platform !== "linux") giveUp(`it is for Linux, not for ${process.platform}`);
  const include = headers() ?? giveUp("the headers of Node.js are not there");
  mkdirSync(output, { recursive: true });
  // Renamed when complete: two installations may run at a time.
  const draft = `${addon}.${process.pid}`;
  const modules = files.filter((file) => file.endsWith(".c")).map((file) => join(sources, file));
  const { error, status, stderr } = spawnSync("cc", [...FLAGS, "-isystem", include, "-o", draft, ...modules], { encoding: "utf8" });
  if (error) giveUp("there is no C compiler (Debian packages gcc and libc6-dev)");
  if (status !== 0) giveUp(UNCOMPILABLE, stderr);
  renameSync(draft, addon);
  writeFileSync(stamp, stampOf());
}

const isCurrent = told !== "" && told === stampOf();
const isHopeless = told === noteOf(UNCOMPILABLE) && !options.strict;
if (!isCurrent && !isHopeless) {
  try {
    build();
  } catch (error) {
    giveUp(error.message);
  }
}
