import { createHash, randomUUID } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { chartFolder, type Helm, type RenderOptions } from "./helm/helm.ts";
import type { KubernetesObject } from "./objects/object.ts";

/** The oldest Kubernetes that the chart supports, and a recent one. */
export const KUBE_VERSIONS = ["1.29.0", "1.35.0"] as const;

/** Kinds of operators that the values of the matrix may ask for. */
export const OPERATOR_API_VERSIONS: readonly string[] = [
  "monitoring.coreos.com/v1",
  "monitoring.coreos.com/v1/PodMonitor",
  "monitoring.coreos.com/v1/ServiceMonitor",
  "monitoring.coreos.com/v1/PrometheusRule",
  "keda.sh/v1alpha1",
  "keda.sh/v1alpha1/ScaledObject",
  "gateway.networking.k8s.io/v1",
  "gateway.networking.k8s.io/v1/TCPRoute",
  "gateway.networking.k8s.io/v1/UDPRoute",
  "gateway.networking.k8s.io/v1/HTTPRoute",
  "gateway.networking.k8s.io/v1alpha2",
  "gateway.networking.k8s.io/v1alpha2/TCPRoute",
  "gateway.networking.k8s.io/v1alpha2/UDPRoute",
  "cert-manager.io/v1",
  "cert-manager.io/v1/Certificate",
];

/** One way in which the chart is used. */
export interface Case {
  /** "ha on Kubernetes 1.29.0" */
  readonly name: string;
  /** "ha": the file is `ci/ha-values.yaml`. "no values" has none. */
  readonly values: string;
  readonly options: RenderOptions;
}

export interface RenderedCase extends Case {
  readonly objects: readonly KubernetesObject[];
}

/** Uses that are tried on every Kubernetes; the others take turns. */
const ON_EVERY_VERSION = ["no values", "everything-on"];

/** Every file of `ci/`, and the chart as it is. */
export function matrix(): Case[] {
  const files = globSync("ci/*-values.yaml", { cwd: chartFolder }).sort();
  return [undefined, ...files].flatMap((file, index) => {
    const values = file === undefined ? "no values" : basename(file, "-values.yaml");
    const versions = KUBE_VERSIONS.filter((_, place) => ON_EVERY_VERSION.includes(values) || index % KUBE_VERSIONS.length === place);
    return versions.map((kubeVersion) => ({
      name: `${values} on Kubernetes ${kubeVersion}`,
      values,
      options: { valuesFiles: file === undefined ? [] : [join(chartFolder, file)], kubeVersion, apiVersions: OPERATOR_API_VERSIONS },
    }));
  });
}

const KEPT = join(import.meta.dirname, "../../.test-output/chart");

/** All of them rendered, once for one content of the chart: several test files look at the same renderings. */
export async function renderMatrix(helm: Helm): Promise<RenderedCase[]> {
  const file = join(KEPT, `${helm.name.replaceAll(/\W+/g, "-")}-${chartDigest()}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as RenderedCase[];
  const rendered = await renderCases(helm, matrix());
  mkdirSync(KEPT, { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(rendered));
  renameSync(draft, file);
  return rendered;
}

/** Two at a time. */
export async function renderCases(helm: Helm, cases: readonly Case[]): Promise<RenderedCase[]> {
  return inPairs(cases, async (one) => ({ ...one, objects: await helm.render(one.options) }));
}

function chartDigest(): string {
  const hash = createHash("sha256").update(readFileSync(import.meta.filename));
  for (const file of globSync("**/*", { cwd: chartFolder, withFileTypes: true }).filter((entry) => entry.isFile())) {
    const path = join(file.parentPath, file.name);
    hash.update(`${path}\0`).update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 32);
}

/** Like `map`, with two tasks under way at a time: what a small machine can do. */
export async function inPairs<In, Out>(items: readonly In[], task: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = new Array(items.length);
  const left = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await task(item);
  };
  await Promise.all([work(), work()]);
  return results;
}
