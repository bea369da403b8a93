import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { BASE_PACKAGES, COMPILER_PACKAGES, REDIS_PACKAGES } from "./packages.ts";

const here = import.meta.dirname;
const pinnedNode = join(here, `../../node_modules/node-linux-${process.arch}`);
const NPM = "npm@11.19.1";

/** Fills a folder with what the Dockerfile of the same name copies. Throws when a program that it calls fails, which says itself why. */
export type Filling = (folder: string) => void;

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
}

function unpackDebian(folder: string, packages: readonly string[]): void {
  run(join(here, "debian-packages.sh"), ["own", folder, ...packages]);
}

export function fillBase(folder: string): void {
  unpackDebian(folder, BASE_PACKAGES);
  for (const file of ["passwd", "group"]) copyFileSync(join(folder, `usr/share/base-passwd/${file}.master`), join(folder, "etc", file));
  // Left to the packages' own scripts, which do not run here.
  symlinkSync("mawk", join(folder, "usr/bin/awk"));
  for (const path of ["dev", "proc", "root", "run", "sys", "tmp"]) mkdirSync(join(folder, path), { recursive: true });
  chmodSync(join(folder, "tmp"), 0o1777);
}

/** The runtime that npm brought for this checkout, npm itself, and the compiler that users of the public image get by apt, which is not in here. */
export function fillNode(folder: string): void {
  unpackDebian(folder, COMPILER_PACKAGES);
  symlinkSync("gcc", join(folder, "usr/bin/cc"));
  const bin = join(folder, "usr/local/bin");
  const modules = join(folder, "usr/local/lib/node_modules");
  mkdirSync(modules, { recursive: true });
  // As in the public image, OpenSSL's headers of this machine alone.
  const foreign = new RegExp(`/openssl/archs/(?!linux-${process.arch === "arm64" ? "aarch64" : "x86_64"}(/|$))`);
  for (const part of ["bin", "include"]) {
    cpSync(join(pinnedNode, part), join(folder, "usr/local", part), { recursive: true, filter: (path) => !foreign.test(path) });
  }

  const archive = join(folder, "npm.tgz");
  run("npm", ["pack", "--silent", "--pack-destination", folder, NPM]);
  renameSync(join(folder, `${NPM.replace("@", "-")}.tgz`), archive);
  run("tar", ["-xzf", archive, "-C", modules]);
  rmSync(archive);
  renameSync(join(modules, "package"), join(modules, "npm"));
  for (const name of ["npm", "npx"]) {
    chmodSync(join(modules, `npm/bin/${name}-cli.js`), 0o755);
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
  }
}

export function fillRedis(folder: string): void {
  unpackDebian(folder, REDIS_PACKAGES);
  mkdirSync(join(folder, "usr/local/bin"), { recursive: true });
  copyFileSync(join(here, "redis-entrypoint.sh"), join(folder, "usr/local/bin/redis-entrypoint.sh"));
}

export function fillPrometheus(folder: string): void {
  run(join(here, "prometheus.sh"), [folder]);
}

export function fillRyuk(folder: string): void {
  copyFileSync(join(here, "ryuk.ts"), join(folder, "ryuk.ts"));
}
