import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProgramResult, runProgram } from "@shadowfleet/testkit";
import { stringify } from "yaml";
import { parseManifest } from "../objects/manifest.ts";
import type { KubernetesObject } from "../objects/object.ts";
import { HELM_MAJORS, layerProgram } from "./binary.ts";

export const chartFolder = join(import.meta.dirname, "..", "..", "..", "helm", "shadowfleet");

const DEADLINE_MS = 60_000;

export interface RenderOptions {
  /** Default: the chart of this repository. */
  readonly chart?: string;
  readonly release?: string;
  readonly namespace?: string;
  /** Files, in the order in which later ones win. */
  readonly valuesFiles?: readonly string[];
  /** Given as one more file, after the others. */
  readonly values?: object;
  readonly kubeVersion?: string;
  /** What the cluster is said to offer beside Kubernetes' own kinds. */
  readonly apiVersions?: readonly string[];
}

export interface HelmAnswer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One Helm release, run apart from the user's own settings, plugins and clusters. `await using` removes what it wrote. */
export class Helm implements AsyncDisposable {
  readonly major: number;
  readonly #path: string;
  readonly #home: string;
  #files = 0;

  /** Use `startHelms`. */
  constructor(major: number, path: string, home: string) {
    this.major = major;
    this.#path = path;
    this.#home = home;
  }

  get name(): string {
    return `Helm ${this.major}`;
  }

  /** Runs it with these arguments, whatever comes of it. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<HelmAnswer> {
    const result: ProgramResult = await runProgram(this.#path, args, { env: { ...this.#environment(), ...env }, deadlineMs: DEADLINE_MS });
    return { code: result.code, stdout: result.stdout.toString(), stderr: result.stderr.toString() };
  }

  /** `helm template` with these options, as it answers. */
  async template(options: RenderOptions = {}): Promise<HelmAnswer> {
    const target = [options.release ?? "fleet", options.chart ?? chartFolder, "--namespace", options.namespace ?? "proxies"];
    return this.run(["template", ...target, ...(await this.#valueArguments(options)), ...capabilityArguments(options)]);
  }

  /** The objects `helm template` makes. Rejects with what Helm said where it refuses. */
  async render(options: RenderOptions = {}): Promise<KubernetesObject[]> {
    const answer = await this.template(options);
    if (answer.code !== 0) throw new Error(`${this.name} refused to render:\n${answer.stderr}`);
    return parseManifest(answer.stdout);
  }

  /** `helm lint --strict` with these options. */
  async lint(options: RenderOptions = {}): Promise<HelmAnswer> {
    const kubeVersion = options.kubeVersion === undefined ? [] : ["--kube-version", options.kubeVersion];
    const namespace = ["--namespace", options.namespace ?? "proxies"];
    return this.run([
      "lint",
      "--strict",
      ...namespace,
      options.chart ?? chartFolder,
      ...(await this.#valueArguments(options)),
      ...kubeVersion,
    ]);
  }

  /** A file with these values, for `--values`. */
  async writeValues(values: object): Promise<string> {
    const file = join(this.#home, `values-${this.#files++}.yaml`);
    await writeFile(file, stringify(values));
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
  }

  async #valueArguments(options: RenderOptions): Promise<string[]> {
    const files = [...(options.valuesFiles ?? [])];
    if (options.values !== undefined) files.push(await this.writeValues(options.values));
    return files.flatMap((file) => ["--values", file]);
  }

  #environment(): Record<string, string | undefined> {
    const own = Object.fromEntries(Object.keys(process.env).flatMap((name) => (/^(HELM_|KUBE)/.test(name) ? [[name, undefined]] : [])));
    return {
      ...own,
      HELM_CACHE_HOME: join(this.#home, "cache"),
      HELM_CONFIG_HOME: join(this.#home, "config"),
      HELM_DATA_HOME: join(this.#home, "data"),
      KUBECONFIG: join(this.#home, "no-cluster"),
    };
  }
}

function capabilityArguments({ kubeVersion, apiVersions = [] }: RenderOptions): string[] {
  return [
    ...(kubeVersion === undefined ? [] : ["--kube-version", kubeVersion]),
    ...apiVersions.flatMap((version) => ["--api-versions", version]),
  ];
}

/** The Helm releases the chart has to work with: the pinned 3 and 4, or the one that `HELM` names. `await using` removes what they wrote. */
export async function startHelms(): Promise<AsyncDisposable & { readonly all: readonly Helm[]; readonly newest: Helm }> {
  const paths = process.env.HELM ? [process.env.HELM] : await Promise.all(HELM_MAJORS.map((major) => layerProgram(major, "helm")));
  const all = await Promise.all(paths.map(startHelm));
  return {
    all,
    newest: all.at(-1)!,
    async [Symbol.asyncDispose]() {
      for (const helm of all) await helm[Symbol.asyncDispose]();
    },
  };
}

async function startHelm(path: string): Promise<Helm> {
  const { code, stdout, stderr } = await runProgram(path, ["version", "--template", "{{ .Version }}"]);
  const major = /^v(\d+)\./.exec(stdout.toString())?.[1];
  if (code !== 0 || major === undefined) throw new Error(`${path} does not say which Helm it is: ${stdout}${stderr}`);
  return new Helm(Number(major), path, await mkdtemp(join(tmpdir(), "shadowfleet-chart-")));
}
