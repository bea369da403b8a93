import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./find-program.ts";
import { runProgram } from "./process.ts";

const ROOT = join(import.meta.dirname, "../../..");
const ANSWER_DEADLINE_MS = 15_000;
const COMMAND_DEADLINE_MS = 60_000;
const BUILD_DEADLINE_MS = 600_000;

/** What has an image. */
export type ImageName = "gateway" | "tcp-relay" | "udp-relay" | "management" | "cli";

/**
 * Why tests with containers cannot run here, for `{ skip: reason }`; undefined when an engine answers. Where `CI` or `REQUIRE_CONTAINERS` is
 * set they must run: throws instead.
 */
export function engineMissingReason({ compose = false }: { readonly compose?: boolean } = {}): string | undefined {
  const reason = whyNoEngine(compose);
  if (reason !== undefined && (process.env.CI || process.env.REQUIRE_CONTAINERS)) throw new Error(reason);
  return reason;
}

function whyNoEngine(compose: boolean): string | undefined {
  if (findProgram("docker") === undefined) return "docker is not installed";
  const engine = ask("version", "--format", "{{.Server.Version}}");
  if (!engine.ok) return `no container engine answers: ${engine.said}`;
  if (compose && !ask("compose", "version").ok) return "docker has no compose plugin (version 2)";
  return undefined;
}

function ask(...args: string[]): { readonly ok: boolean; readonly said: string } {
  const { status, stderr } = spawnSync("docker", args, { encoding: "utf8", timeout: ANSWER_DEADLINE_MS });
  return { ok: status === 0, said: (stderr ?? "").trim().split("\n")[0] || "docker said nothing" };
}

/** Runs a docker command; what it printed, trimmed. Rejects with its words when it fails. */
export async function docker(args: readonly string[], { deadlineMs = COMMAND_DEADLINE_MS } = {}): Promise<string> {
  const { code, stdout, stderr } = await runProgram("docker", args, { deadlineMs });
  if (code !== 0) throw new Error(`docker ${args.join(" ")} ended with ${code}:\n${stderr}${stdout}`);
  return stdout.toString().trim();
}

const images = new Map<ImageName, Promise<string>>();

/**
 * The image of a service as this checkout's sources make it, built when it is not there yet. Asked for again it is the same one, also when a
 * file is edited meanwhile; `IMAGES_ARE_BUILT` in the environment says that the test run has built them all.
 */
export function serviceImage(name: ImageName): Promise<string> {
  const image = images.get(name) ?? buildImage(name);
  images.set(name, image);
  return image;
}

async function buildImage(name: ImageName): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  const tag = `shadowfleet/${name}:${version}`;
  if (process.env.IMAGES_ARE_BUILT) return tag;
  const { code, stderr } = await runProgram(process.execPath, [join(ROOT, "docker/build.ts"), name], { deadlineMs: BUILD_DEADLINE_MS });
  if (code !== 0) throw new Error(`the image of ${name} could not be built:\n${stderr}`);
  return tag;
}
