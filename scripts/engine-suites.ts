import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { engineMissingReason } from "../packages/testkit/src/container-engine.ts";

/** Suites of containers, and whether they need compose. They come last, one file at a time: what they measure is the whole machine. */
const ENGINE_SUITES: Readonly<Record<string, { readonly compose: boolean }>> = {
  images: { compose: false },
  containers: { compose: false },
  compose: { compose: true },
};

let imagesProblem: string | undefined;

export function isEngineSuite(suite: string): boolean {
  return Object.hasOwn(ENGINE_SUITES, suite);
}

/** Why a suite does not run, and whether it had to: on a machine without an engine it may be left out, unless CI or REQUIRE_CONTAINERS is set. */
export interface Obstacle {
  readonly reason: string;
  readonly isFailure: boolean;
}

/** Undefined when the suite can run: it needs no engine, or one answers and the images are there. */
export function obstacleOf(suite: string): Obstacle | undefined {
  const needs = ENGINE_SUITES[suite];
  if (!needs) return undefined;
  try {
    const reason = engineMissingReason(needs);
    if (reason !== undefined) return { reason, isFailure: false };
  } catch (error) {
    return { reason: (error as Error).message, isFailure: true };
  }
  imagesProblem ??= makeImages();
  return imagesProblem === "" ? undefined : { reason: imagesProblem, isFailure: true };
}

/** The public images that the suites build on or start, and the fleet's own, once for all suites. What went wrong, or nothing. */
function makeImages(): string {
  for (const script of ["docker/stand-ins/build.ts", "docker/build.ts"]) {
    const { status } = spawnSync(process.execPath, [join(import.meta.dirname, "..", script)], { stdio: "inherit" });
    if (status !== 0) return `node ${script} failed`;
  }
  process.env.IMAGES_ARE_BUILT = "1";
  return "";
}
