import type { KubernetesObject } from "../objects/object.ts";
import type { Tree } from "./tree.ts";

/** What the release tests need of a cluster, whichever it is. One namespace of it is theirs. */
export interface Cluster extends AsyncDisposable {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Everything in the namespace, sorted by kind and name. */
  list(): Promise<KubernetesObject[]>;
  /** Changes an object from outside of Helm, with a merge patch. */
  edit(object: KubernetesObject, patch: Tree): Promise<void>;
  /** Deletes an object from outside of Helm. */
  remove(object: KubernetesObject): Promise<void>;
}
