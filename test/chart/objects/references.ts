import { selects } from "./label-selector.ts";
import { at, type KubernetesObject } from "./object.ts";
import { type Pod, podsOf } from "./pods.ts";

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
}

export function portsOf(service: KubernetesObject): readonly ServicePort[] {
  return (at(service, "spec", "ports") ?? []) as readonly ServicePort[];
}

/** The pods that a Service leads to. */
export function selectedBy(service: KubernetesObject, objects: readonly KubernetesObject[]): Pod[] {
  const matchLabels = at(service, "spec", "selector") as Record<string, string>;
  return podsOf(objects).filter(({ labels }) => selects({ matchLabels }, labels));
}

/** Objects that have to be there before the pod can start. */
export function needsOf(pod: Pod): [kind: string, name: string][] {
  const account = pod.spec.serviceAccountName;
  const needs: [string, string][] = typeof account === "string" && account !== "default" ? [["ServiceAccount", account]] : [];
  for (const { secret, configMap, projected } of pod.volumes) {
    for (const source of [
      { secret: secret && { name: secret.secretName, optional: secret.optional }, configMap },
      ...(projected?.sources ?? []),
    ]) {
      if (source.secret && !source.secret.optional) needs.push(["Secret", source.secret.name]);
      if (source.configMap && !source.configMap.optional) needs.push(["ConfigMap", source.configMap.name]);
    }
  }
  return needs;
}
