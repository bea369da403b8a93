// Makes the checkout runnable: installs exactly what package-lock.json says, when that is not what is there yet, and builds the accelerator.
// Plain JavaScript on purpose: this runs on whatever Node (20 or newer) the machine has, before the pinned runtime is there.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MINIMUM_OWN_NODE = 26;

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const stamp = join(root, "node_modules", ".shadowfleet-lock");
const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  process.stderr.write("Installing dependencies (once) …\n");
  const npm = process.env.npm_execpath;
  const [command, ...prefix] = npm ? [process.execPath, npm] : ["npm"];
  const result = spawnSync(command, [...prefix, "ci", "--loglevel=error"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (result.status !== 0) {
    process.stderr.write("npm ci failed; run it by itself to see why.\n");
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

// Looks whether the accelerator is built already; where it cannot be, it says why once, and everything works without it.
spawnSync(process.execPath, [join(root, "packages/aead-native/build.mjs")], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });

const pinned = existsSync(join(root, "node_modules", ".bin", "node"));
if (!pinned && Number(process.versions.node.split(".")[0]) < MINIMUM_OWN_NODE) {
  process.stderr.write(
    `Shadowfleet brings its own Node ${MINIMUM_OWN_NODE} on Linux (x64, arm64); on this platform install Node ${MINIMUM_OWN_NODE} or newer (found ${process.versions.node}).\n`,
  );
  process.exit(1);
}
