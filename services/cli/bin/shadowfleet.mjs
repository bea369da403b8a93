#!/usr/bin/env node
// Starts the command on the pinned Node that npm installed; npm puts it first on the PATH, but a direct call may come from an older one.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const main = join(here, "../src/main.ts");
const pinned = join(here, "../../../node_modules/.bin/node");
const isPinned = Number(process.versions.node.split(".")[0]) >= 26 || !existsSync(pinned);

if (isPinned) {
  await import(main);
} else {
  const child = spawn(pinned, [main, ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 1));
}
