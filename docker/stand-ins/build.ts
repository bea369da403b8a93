/**
 * Makes the public images that the project builds on, where they can neither be found nor pulled, from Debian and npm packages:
 * `node docker/stand-ins/build.ts [NAME…]`. They carry the public names, so nothing else has to know.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withLock } from "../build-lock.ts";
import { type Filling, fillBase, fillNode, fillPrometheus, fillRedis, fillRyuk } from "./trees.ts";

const BASE = "shadowfleet-stand-in/base";
const LABEL = "io.shadowfleet.stand-in";
const PULL_DEADLINE_MS = 300_000;

const STAND_INS: Readonly<Record<string, { readonly image: string; readonly fill: Filling }>> = {
  node: { image: "node:26-bookworm-slim", fill: fillNode },
  redis: { image: "redis:7", fill: fillRedis },
  prometheus: { image: "prom/prometheus:v3.5.0", fill: fillPrometheus },
  ryuk: { image: "testcontainers/ryuk:0.14.0", fill: fillRyuk },
};

const here = import.meta.dirname;
const definition = hashOf(here);

/** Of what the stand-ins are made from: one that was made from something else is made again. */
function hashOf(folder: string): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, file)));
  return hash.digest("hex").slice(0, 16);
}

/** A public image, or a stand-in as it would be made now. */
function isPresent(image: string): boolean {
  const format = `{{index .Config.Labels "${LABEL}"}}`;
  const { status, stdout } = spawnSync("docker", ["image", "inspect", "--format", format, image], { encoding: "utf8" });
  return status === 0 && ["", "<no value>", definition].includes(stdout.trim());
}

/** Fails at once where no registry can be reached. */
function pull(image: string): boolean {
  return spawnSync("docker", ["pull", "--quiet", image], { stdio: "ignore", timeout: PULL_DEADLINE_MS }).status === 0;
}

function make(name: string, image: string, fill: Filling): void {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), `shadowfleet-${name}-`));
  let problem: string | undefined;
  try {
    chmodSync(folder, 0o755);
    fill(folder);
    const label = `${LABEL}=${definition}`;
    const args = ["build", "--quiet", "--file", join(here, `${name}.Dockerfile`), "--label", label, "--tag", image, folder];
    execFileSync("docker", args, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, DOCKER_BUILDKIT: "1" } });
  } catch (error) {
    problem = (error as Error).message.split("\n")[0];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (problem !== undefined) giveUp(`the stand-in for ${image} cannot be made: ${problem}`);
  console.log(`${image}  made from Debian and npm packages in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function giveUp(reason: string): never {
  console.error(reason);
  process.exit(1);
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(STAND_INS);
const unknown = names.filter((name) => !Object.hasOwn(STAND_INS, name));
if (unknown.length > 0) giveUp(`no stand-in "${unknown.join('", "')}": there are ${Object.keys(STAND_INS).join(", ")}`);
withLock("stand-ins", () => {
  for (const name of names) {
    const { image, fill } = STAND_INS[name]!;
    if (isPresent(image) || pull(image)) continue;
    if (spawnSync("apt-get", ["--version"]).status !== 0) {
      giveUp(`${image} is not there and cannot be pulled, and stand-ins are made on Debian only`);
    }
    if (!isPresent(BASE)) make("base", BASE, fillBase);
    make(name, image, fill);
  }
});
