import type { Tree } from "./tree.ts";

/** How the items of a list are told apart when an object is changed; every list that is not here is replaced as a whole. */
export interface ListKeys {
  /** By strategic merge patches: one field. For ports that is the number alone, so the same number for TCP and UDP is one item to them. */
  readonly patch: string;
  /** By server-side apply. */
  readonly apply: readonly string[];
}

const NAME: ListKeys = { patch: "name", apply: ["name"] };

/** By the path of the list, wherever a pod's specification may be inside an object. */
const LISTS: readonly { readonly field: RegExp; readonly keys: ListKeys }[] = [
  { field: /(^|\.)(containers|initContainers|env|volumes|imagePullSecrets)$/, keys: NAME },
  { field: /(^|\.)volumeMounts$/, keys: { patch: "mountPath", apply: ["mountPath"] } },
  { field: /(^|\.)[cC]ontainers\[\]\.ports$/, keys: { patch: "containerPort", apply: ["containerPort", "protocol"] } },
  { field: /(^|\.)topologySpreadConstraints$/, keys: { patch: "topologyKey", apply: ["topologyKey", "whenUnsatisfiable"] } },
  { field: /(^|\.)hostAliases$/, keys: { patch: "ip", apply: ["ip"] } },
];
const SERVICE_PORTS: ListKeys = { patch: "port", apply: ["port", "protocol"] };

/** Keys of the list at a path like "spec.template.spec.containers[].ports" in an object of that kind. */
export function listKeysOf(kind: string, path: string): ListKeys | undefined {
  if (kind === "Service" && path === "spec.ports") return SERVICE_PORTS;
  return LISTS.find(({ field }) => field.test(path))?.keys;
}

/** A port that names no protocol means TCP: the one default the merging of lists depends on. */
export function keyOf(item: Tree, keys: readonly string[]): string {
  return JSON.stringify(keys.map((key) => item[key] ?? (key === "protocol" ? "TCP" : null)));
}
