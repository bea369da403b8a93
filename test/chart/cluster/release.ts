import assert from "node:assert/strict";
import { chartFolder, type Helm, type HelmAnswer } from "../helm/helm.ts";
import { dataOf } from "../objects/container-files.ts";
import { parseManifest } from "../objects/manifest.ts";
import { at, type KubernetesObject, nameOf, ofKind, only } from "../objects/object.ts";
import type { Cluster } from "./cluster.ts";

const NAME = "fleet";

export interface ReleaseChange {
  readonly values?: object;
  readonly chart?: string;
  readonly args?: readonly string[];
}

/** The release "fleet" in a cluster, as somebody at a terminal treats it. */
export class Release {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Runs a command of Helm on the cluster, whatever comes of it. */
  async run(helm: Helm, args: readonly string[]): Promise<HelmAnswer> {
    return helm.run([...args, "--namespace", this.#cluster.namespace], { KUBECONFIG: this.#cluster.kubeconfig });
  }

  /** `helm install`, which has to work. What it printed. */
  async install(helm: Helm, change: ReleaseChange = {}): Promise<string> {
    return this.#must(helm, await this.#changeArguments("install", helm, change));
  }

  /** `helm upgrade` to exactly these values, which has to work. What it printed. */
  async upgrade(helm: Helm, change: ReleaseChange = {}): Promise<string> {
    return this.#must(helm, [...(await this.#changeArguments("upgrade", helm, change)), "--reset-values"]);
  }

  async tryInstall(helm: Helm, change: ReleaseChange): Promise<HelmAnswer> {
    return this.run(helm, await this.#changeArguments("install", helm, change));
  }

  /** `helm upgrade` to exactly these values, whatever comes of it. */
  async tryUpgrade(helm: Helm, change: ReleaseChange): Promise<HelmAnswer> {
    return this.run(helm, [...(await this.#changeArguments("upgrade", helm, change)), "--reset-values"]);
  }

  async rollback(helm: Helm, revision: number): Promise<string> {
    return this.#must(helm, ["rollback", NAME, String(revision)]);
  }

  async uninstall(helm: Helm): Promise<string> {
    return this.#must(helm, ["uninstall", NAME]);
  }

  async test(helm: Helm): Promise<HelmAnswer> {
    return this.run(helm, ["test", NAME, "--timeout", "20s"]);
  }

  /** What the release says it is made of. */
  async manifest(helm: Helm, revision?: number): Promise<KubernetesObject[]> {
    return parseManifest(
      await this.#must(helm, ["get", "manifest", NAME, ...(revision === undefined ? [] : ["--revision", String(revision)])]),
    );
  }

  /** Objects in the cluster, without Helm's own records. */
  async objects(): Promise<KubernetesObject[]> {
    return (await this.#cluster.list()).filter(({ type }) => type !== "helm.sh/release.v1");
  }

  /** The one object of that kind and name. */
  async object(kind: string, name: RegExp): Promise<KubernetesObject> {
    return only(await this.objects(), kind, name);
  }

  /** Every value of every Secret of the release, as "fleet-shadowfleet-tokens admin.token". */
  async secrets(): Promise<Record<string, string>> {
    const pairs = ofKind(await this.objects(), "Secret").flatMap((secret) =>
      Object.entries(dataOf(secret)).map(([key, value]) => [`${secret.metadata.name} ${key}`, value] as const),
    );
    return Object.fromEntries(pairs);
  }

  /** Resource versions by object: what has the same one was not written. */
  async versions(): Promise<Record<string, string>> {
    const pairs = (await this.objects()).map((object) => [nameOf(object), String(at(object, "metadata", "resourceVersion"))] as const);
    return Object.fromEntries(pairs);
  }

  /** Asserts that the cluster has what the release says, object by object and field by field, and no other object. What a server adds of its own is let be. */
  async assertLive(helm: Helm): Promise<void> {
    const wanted = (await this.manifest(helm)).filter(({ metadata }) => metadata.namespace === this.#cluster.namespace);
    const live = await this.objects();
    assert.deepEqual(live.map(nameOf).sort(), wanted.map(nameOf).sort());
    for (const object of wanted) {
      const found = live.find((other) => nameOf(other) === nameOf(object))!;
      assert.deepEqual(inTermsOf(object, found), withoutEmpty(object), `${helm.name}: ${nameOf(object)}`);
    }
  }

  async #changeArguments(command: string, helm: Helm, { values = {}, chart = chartFolder, args = [] }: ReleaseChange): Promise<string[]> {
    return [command, NAME, chart, "--values", await helm.writeValues(values), ...args];
  }

  async #must(helm: Helm, args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(helm, args);
    assert.equal(code, 0, `${helm.name} ${args[0]}:\n${stderr}`);
    return stdout;
  }
}

/** As much of what is live as is comparable with what was wanted: the same fields, and every item of lists. */
function inTermsOf(wanted: unknown, live: unknown): unknown {
  if (Array.isArray(wanted) && Array.isArray(live))
    return live.map((item, index) => (index in wanted ? inTermsOf(wanted[index], item) : item));
  if (typeof wanted !== "object" || wanted === null || typeof live !== "object" || live === null) return live;
  const fields = Object.entries(withoutEmpty(wanted) as object);
  return Object.fromEntries(fields.map(([field, value]) => [field, inTermsOf(value, (live as Record<string, unknown>)[field])]));
}

/** Without fields that are empty, at any depth: they mean the same as none. Items of lists stay. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([field, child]) => [field, withoutEmpty(child)] as const);
  return Object.fromEntries(fields.filter(([, child]) => !isEmpty(child)));
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === "object" && !Array.isArray(value) && Object.keys(value as object).length === 0);
}
