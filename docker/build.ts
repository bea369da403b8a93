/**
 * Builds the images: `node docker/build.ts [SERVICE…]`, all of them by default. Does nothing for an image that has these sources in it already;
 * several callers at a time share one build.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./build-lock.ts";
import { buildSecrets } from "./build-secrets.ts";
import { sourcesHash } from "./sources.ts";

const SERVICES = ["gateway", "tcp-relay", "udp-relay", "management", "cli"];
const SOURCES_LABEL = "io.shadowfleet.sources";
const DEFAULT_NODE_IMAGE = "node:26-bookworm-slim";
const MB = 1_000_000;
/** Of a build that failed. */
const SHOWN_LINES = 40;

const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const nodeImage = process.env.NODE_IMAGE || DEFAULT_NODE_IMAGE;

/** A field of an image; undefined when there is no such image. */
function inspect(image: string, format: string): string | undefined {
  const { status, stdout } = spawnSync("docker", ["image", "inspect", "--format", format, image], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** The commit that the sources were first built at; the label of sources is what tells two images apart. */
function revision(): string {
  const { status, stdout } = spawnSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}

function buildImage(service: string, sources: string): void {
  const image = `shadowfleet/${service}:${version}`;
  const started = performance.now();
  const former = inspect(image, "{{.Id}}");
  const isCurrent = inspect(image, `{{index .Config.Labels "${SOURCES_LABEL}"}}`) === sources;
  if (!isCurrent) {
    const values = { NODE_IMAGE: nodeImage, SERVICE: service, VERSION: version, REVISION: revision(), SOURCES: sources };
    const settings = Object.entries(values).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
    const args = ["build", "--progress", "plain", "--file", "docker/Dockerfile", "--tag", image, ...settings, ...buildSecrets(), "."];
    const env = { ...process.env, DOCKER_BUILDKIT: "1" };
    const { status, stderr } = spawnSync("docker", args, { cwd: root, encoding: "utf8", env, maxBuffer: Number.POSITIVE_INFINITY });
    if (status !== 0) {
      console.error(`${image} could not be built:\n${stderr.trimEnd().split("\n").slice(-SHOWN_LINES).join("\n")}`);
      process.exit(1);
    }
    // Nameless now, unless a container still uses it or it was only labelled anew.
    if (former !== undefined && former !== inspect(image, "{{.Id}}")) spawnSync("docker", ["image", "rm", former], { stdio: "ignore" });
  }
  const size = (Number(inspect(image, "{{.Size}}")) / MB).toFixed(0);
  const took = isCurrent ? "is current" : `built in ${((performance.now() - started) / 1000).toFixed(1)} s`;
  console.log(`${image}  ${size} MB  ${took}`);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !SERVICES.includes(name));
if (unknown.length > 0) {
  console.error(`no image "${unknown.join('", "')}": there are ${SERVICES.join(", ")}`);
  process.exit(2);
}
withLock("images", () => {
  if (nodeImage === DEFAULT_NODE_IMAGE) {
    const { status } = spawnSync(process.execPath, [join(root, "docker/stand-ins/build.ts"), "node"], { stdio: "inherit" });
    if (status !== 0) process.exit(1);
  }
  const sources = sourcesHash(root, inspect(nodeImage, "{{.Id}}") ?? nodeImage);
  for (const service of wanted.length > 0 ? wanted : SERVICES) buildImage(service, sources);
});
