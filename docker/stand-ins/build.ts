/**
 * Makes the public images that the project builds on, where they can neither be found nor pulled, from Debian and npm packages:
 * `node docker/stand-ins/build.ts [NAME…]`. They carry the public names, so nothing else has to know.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BASE_PACKAGES, REDIS_PACKAGES } from "./packages.ts";

const here = import.meta.dirname;
const root = join(here, "../..");
const BASE_IMAGE = "shadowfleet-stand-in/base";
const PULL_DEADLINE_MS = 300_000;
const NPM = "npm@11.19.1";

/** Fills a folder with what the image's Dockerfile copies. */
type Filling = (folder: string) => void;

const STAND_INS: Readonly<Record<string, { readonly tags: readonly string[]; readonly fill: Filling }>> = {
  node: { tags: ["node:26-bookworm-slim"], fill: fillNode },
  redis: { tags: ["redis:7"], fill: fillRedis },
  prometheus: { tags: ["prom/prometheus:v3.5.0"], fill: fillPrometheus },
  ryuk: { tags: ["testcontainers/ryuk:0.14.0"], fill: (folder) => copyFileSync(join(here, "ryuk.ts"), join(folder, "ryuk.ts")) },
};

function unpackDebian(folder: string, packages: readonly string[]): void {
  execFileSync(join(here, "debian-packages.sh"), ["own", folder, ...packages], { stdio: ["ignore", "ignore", "inherit"] });
}

function fillBase(folder: string): void {
  unpackDebian(folder, BASE_PACKAGES);
  for (const file of ["passwd", "group"]) copyFileSync(join(folder, `usr/share/base-passwd/${file}.master`), join(folder, "etc", file));
  // Left to the packages' own scripts, which do not run here.
  symlinkSync("mawk", join(folder, "usr/bin/awk"));
  for (const path of ["dev", "proc", "root", "run", "sys", "tmp"]) mkdirSync(join(folder, path), { recursive: true });
  chmodSync(join(folder, "tmp"), 0o1777);
}

/** The runtime that npm brought for this checkout, and npm itself. */
function fillNode(folder: string): void {
  const bin = join(folder, "usr/local/bin");
  const modules = join(folder, "usr/local/lib/node_modules");
  mkdirSync(bin, { recursive: true });
  mkdirSync(modules, { recursive: true });
  cpSync(join(root, `node_modules/node-linux-${process.arch}/bin/node`), join(bin, "node"));
  const archive = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder, NPM], { encoding: "utf8" }).trim();
  execFileSync("tar", ["-xzf", join(folder, archive), "-C", modules]);
  rmSync(join(folder, archive));
  renameSync(join(modules, "package"), join(modules, "npm"));
  for (const name of ["npm", "npx"]) {
    chmodSync(join(modules, `npm/bin/${name}-cli.js`), 0o755);
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
  }
}

function fillRedis(folder: string): void {
  unpackDebian(folder, REDIS_PACKAGES);
  mkdirSync(join(folder, "usr/local/bin"), { recursive: true });
  copyFileSync(join(here, "redis-entrypoint.sh"), join(folder, "usr/local/bin/redis-entrypoint.sh"));
}

function fillPrometheus(folder: string): void {
  execFileSync(join(here, "prometheus.sh"), [folder], { stdio: ["ignore", "ignore", "inherit"] });
}

function isPresent(image: string): boolean {
  return spawnSync("docker", ["image", "inspect", image], { stdio: "ignore" }).status === 0;
}

/** Fails at once where no registry can be reached. */
function pull(image: string): boolean {
  return spawnSync("docker", ["pull", "--quiet", image], { stdio: "ignore", timeout: PULL_DEADLINE_MS }).status === 0;
}

function buildImage(name: string, tags: readonly string[], fill: Filling): void {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), `shadowfleet-${name}-`));
  try {
    chmodSync(folder, 0o755);
    fill(folder);
    const args = ["build", "--quiet", "--file", join(here, `${name}.Dockerfile`), ...tags.flatMap((tag) => ["--tag", tag]), folder];
    execFileSync("docker", args, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, DOCKER_BUILDKIT: "1" } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${tags[0]}  made from Debian and npm packages in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

const { positionals } = parseArgs({ allowPositionals: true });
const names = positionals.length > 0 ? positionals : Object.keys(STAND_INS);
for (const name of names) {
  const standIn = STAND_INS[name];
  if (!standIn) {
    console.error(`no stand-in "${name}": there are ${Object.keys(STAND_INS).join(", ")}`);
    process.exit(2);
  }
  const { tags, fill } = standIn;
  if (tags.every((tag) => isPresent(tag) || pull(tag))) continue;
  if (!isPresent(BASE_IMAGE)) buildImage("base", [BASE_IMAGE], fillBase);
  buildImage(name, tags, fill);
}
