import type { Helm } from "../helm/helm.ts";
import type { Cluster } from "./cluster.ts";
import { startFakeCluster } from "./fake-cluster.ts";
import { openRealCluster, REAL_CLUSTER_VARIABLE } from "./real-cluster.ts";
import { Release } from "./release.ts";

/** Does the same with each Helm, each time in an empty namespace: of the fake cluster, or of the real one that the variable names. */
export async function withEachHelm(
  helms: readonly Helm[],
  use: (helm: Helm, release: Release, cluster: Cluster) => Promise<void>,
): Promise<void> {
  for (const helm of helms) {
    await using cluster = await openCluster();
    await use(helm, new Release(cluster), cluster);
  }
}

export async function openCluster(): Promise<Cluster> {
  const kubeconfig = process.env[REAL_CLUSTER_VARIABLE];
  return kubeconfig ? await openRealCluster(kubeconfig) : await startFakeCluster();
}
