import assert from "node:assert/strict";
import { chartFolder, type Helm, type HelmAnswer } from "../helm/helm.ts";
import { dataOf } from "../objects/container-files.ts";
import { parseManifest } from "../objects/manifest.ts";
import { type KubernetesObject, nameOf, ofKind } from "../objects/object.ts";
import type { FakeCluster } from "./fake-cluster.ts";

const NAME = "fleet";
const NAMESPACE = "proxies";

/** What Helm and the server add to every object. */
const ADDED_ANNOTATIONS = ["meta.helm.sh/release-name", "meta.helm.sh/release-namespace"];

export interface ReleaseChange {
  readonly values?: object;
  readonly chart?: string;
  readonly args?: readonly string[];
}

/** The release "fleet" in a fake cluster, as somebody at a terminal treats it. */
export class Release {
  readonly #cluster: FakeCluster;

  constructor(cluster: FakeCluster) {
    this.#cluster = cluster;
  }

  /** Runs a command of Helm on the cluster, whatever comes of it. */
  async run(helm: Helm, args: readonly string[]): Promise<HelmAnswer> {
    return helm.run([...args, "--namespace", NAMESPACE], { KUBECONFIG: this.#cluster.kubeconfig });
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
  objects(): KubernetesObject[] {
    return this.#cluster.list(NAMESPACE).filter(({ type }) => type !== "helm.sh/release.v1");
  }

  /** Every value of every Secret of the release, as "fleet-shadowfleet-tokens admin.token". */
  secrets(): Record<string, string> {
    const pairs = ofKind(this.objects(), "Secret").flatMap((secret) =>
      Object.entries(dataOf(secret)).map(([key, value]) => [`${secret.metadata.name} ${key}`, value] as const),
    );
    return Object.fromEntries(pairs);
  }

  /** Resource versions by object: what has the same one was not written. */
  versions(): Record<string, string> {
    return Object.fromEntries(
      this.objects().map((object) => [nameOf(object), String((object.metadata as unknown as Record<string, unknown>).resourceVersion)]),
    );
  }

  /** Asserts that the cluster has what the release says, object by object and field by field, and nothing else. */
  async assertLive(helm: Helm): Promise<void> {
    const wanted = (await this.manifest(helm)).filter(({ metadata }) => metadata.namespace === NAMESPACE);
    const live = this.objects();
    assert.deepEqual(live.map(nameOf).sort(), wanted.map(nameOf).sort());
    for (const object of wanted) {
      const found = live.find((other) => nameOf(other) === nameOf(object))!;
      assert.deepEqual(withoutAdditions(found), withoutAdditions(object), nameOf(object));
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

/** An object without what the server and Helm write into it, and without empty fields, which mean the same as none. */
function withoutAdditions({ status: _, metadata, ...rest }: KubernetesObject): unknown {
  const { name, namespace, labels, annotations = {} } = metadata;
  const own = Object.fromEntries(Object.entries(annotations).filter(([key]) => !ADDED_ANNOTATIONS.includes(key)));
  return JSON.parse(JSON.stringify({ ...rest, metadata: { name, namespace, labels, annotations: own } }), (_key, value) =>
    isEmpty(value) ? undefined : value,
  );
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 0);
}
