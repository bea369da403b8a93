import { runProgram } from "@shadowfleet/testkit";
import { layerProgram } from "../helm/binary.ts";
import type { KubernetesObject } from "../objects/object.ts";
import type { Cluster } from "./cluster.ts";
import { KUBERNETES_RESOURCES } from "./resources.ts";
import type { Tree } from "./tree.ts";

/** Names a kubeconfig of a cluster that may be littered with namespaces: the release tests then run there instead of on the fake one. */
export const REAL_CLUSTER_VARIABLE = "CHART_TEST_KUBECONFIG";

const PLURALS = KUBERNETES_RESOURCES.filter(
  ({ namespaced, kind }) => namespaced && !["Endpoints", "Event", "ReplicaSet", "Pod"].includes(kind),
).map(({ plural, group }) => (group === "" ? plural : `${plural}.${group}`));
let namespaces = 0;

/** A namespace of a cluster with a real API server, by kubectl. Whether anything runs there does not matter. */
export class RealCluster implements Cluster {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly #kubectl: string;

  /** Use `openRealCluster`. */
  constructor(kubeconfig: string, namespace: string, kubectl: string) {
    this.kubeconfig = kubeconfig;
    this.namespace = namespace;
    this.#kubectl = kubectl;
  }

  async list(): Promise<KubernetesObject[]> {
    const list = JSON.parse(await this.kubectl(["get", PLURALS.join(","), "--output", "json"])) as { items: KubernetesObject[] };
    // What controllers make by themselves in every namespace is not part of any release.
    const objects = list.items.filter(({ metadata }) => metadata.name !== "kube-root-ca.crt" && metadata.name !== "default");
    return objects.sort((left, right) => `${left.kind}/${left.metadata.name}`.localeCompare(`${right.kind}/${right.metadata.name}`));
  }

  async edit({ kind, metadata }: KubernetesObject, patch: Tree): Promise<void> {
    await this.kubectl(["patch", kind, metadata.name, "--type", "merge", "--patch", JSON.stringify(patch)]);
  }

  async remove({ kind, metadata }: KubernetesObject): Promise<void> {
    await this.kubectl(["delete", kind, metadata.name]);
  }

  async kubectl(args: readonly string[]): Promise<string> {
    const place = ["--kubeconfig", this.kubeconfig, "--namespace", this.namespace];
    const { code, stdout, stderr } = await runProgram(this.#kubectl, [...place, ...args], { deadlineMs: 60_000 });
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    return stdout.toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kubectl(["delete", "namespace", this.namespace, "--wait=false"]);
  }
}

/** A new namespace of the cluster that a kubeconfig leads to. */
export async function openRealCluster(kubeconfig: string): Promise<RealCluster> {
  const cluster = new RealCluster(kubeconfig, `chart-test-${process.pid}-${namespaces++}`, await layerProgram(4, "kubectl"));
  await cluster.kubectl(["create", "namespace", cluster.namespace]);
  return cluster;
}
