/**
 * Makes the public images that the project builds on, where they can neither be found nor pulled, from Debian and npm packages:
 * `node docker/stand-ins/build.ts [NAME…]`. They carry the public names, so nothing else has to know.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { withLock } from "../build-lock.ts";
import { BASE_PACKAGES, COMPILER_PACKAGES, REDIS_PACKAGES } from "./packages.ts";

const here = import.meta.dirname;
const root = join(here, "../..");
const BASE_IMAGE = "shadowfleet-stand-in/base";
const PULL_DEADLINE_MS = 300_000;
const LABEL = "io.shadowfleet.stand-in";
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

/** The runtime that npm brought for this checkout, npm itself, and what the public image's users install with apt, which is not in here. */
function fillNode(folder: string): void {
  unpackDebian(folder, COMPILER_PACKAGES);
  symlinkSync("gcc", join(folder, "usr/bin/cc"));
  const bin = join(folder, "usr/local/bin");
  const modules = join(folder, "usr/local/lib/node_modules");
  mkdirSync(modules, { recursive: true });
  for (const part of ["bin", "include"]) {
    cpSync(join(root, `node_modules/node-linux-${process.arch}`, part), join(folder, "usr/local", part), { recursive: true });
  }
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

/** What the stand-ins are made from: one that was made from something else is made again. */
function definition(): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(here).sort()) hash.update(readFileSync(join(here, file)));
  return hash.digest("hex").slice(0, 16);
}

/** A public image, or a stand-in as it would be made now. */
function isPresent(image: string): boolean {
  const format = `{{index .Config.Labels "${LABEL}"}}`;
  const { status, stdout } = spawnSync("docker", ["image", "inspect", "--format", format, image], { encoding: "utf8" });
  return status === 0 && ["", "<no value>", definition()].includes(stdout.trim());
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
    const labels = ["--label", `${LABEL}=${definition()}`];
    const args = [
      "build",
      "--quiet",
      "--file",
      join(here, `${name}.Dockerfile`),
      ...labels,
      ...tags.flatMap((tag) => ["--tag", tag]),
      folder,
    ];
    execFileSync("docker", args, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, DOCKER_BUILDKIT: "1" } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${tags[0]}  made from Debian and npm packages in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

const { positionals } = parseArgs({ allowPositionals: true });
const names = positionals.length > 0 ? positionals : Object.keys(STAND_INS);
const unknown = names.filter((name) => !Object.hasOwn(STAND_INS, name));
if (unknown.length > 0) {
  console.error(`no stand-in "${unknown.join('", "')}": there are ${Object.keys(STAND_INS).join(", ")}`);
  process.exit(2);
}
withLock("stand-ins", () => {
  for (const name of names) {
    const { tags, fill } = STAND_INS[name]!;
    if (tags.every((tag) => isPresent(tag) || pull(tag))) continue;
    if (spawnSync("apt-get", ["--version"]).status !== 0) {
      console.error(`${tags[0]} is not there and cannot be pulled, and stand-ins are made on Debian only`);
      process.exit(1);
    }
    if (!isPresent(BASE_IMAGE)) buildImage("base", [BASE_IMAGE], fillBase);
    buildImage(name, tags, fill);
  }
});
