import type { KubernetesObject } from "../objects/object.ts";

/** Where the model of a kind is: a module with a class named like the kind, which validates, and its interface, which types. */
export interface Model {
  readonly module: string;
  readonly kind: string;
  /** What the model calls the version; differs where the models are older than the version itself. */
  readonly apiVersion: string;
}

/** API groups that are no part of Kubernetes and have models of their own. */
const OTHER_GROUPS: Readonly<Record<string, string>> = {
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
};

/** Versions that graduated without a change of shape after the models were made. */
const SAME_SHAPE: Readonly<Record<string, string>> = {
  "gateway.networking.k8s.io/v1 TCPRoute": "gateway.networking.k8s.io/v1alpha2",
  "gateway.networking.k8s.io/v1 UDPRoute": "gateway.networking.k8s.io/v1alpha2",
};

export function modelOf({ apiVersion, kind }: KubernetesObject): Model {
  const modelled = SAME_SHAPE[`${apiVersion} ${kind}`] ?? apiVersion;
  const group = modelled.includes("/") ? modelled.slice(0, modelled.indexOf("/")) : "";
  return { module: `${OTHER_GROUPS[group] ?? "kubernetes-models"}/${modelled}/${kind}`, kind, apiVersion: modelled };
}

type ModelClass = new (data: object) => { validate(): void };
const classes = new Map<string, Promise<ModelClass>>();

async function loadClass(model: Model): Promise<ModelClass> {
  const exports = (await import(model.module)) as Record<string, ModelClass>;
  return exports[model.kind]!;
}

/**
 * What the compiled validator of its kind says against an object: wrong types, missing fields, values out of an enumeration. It lets unknown fields
 * pass; `checkTypes` does not. Rejects for kinds without a model.
 */
export async function problemOf(object: KubernetesObject): Promise<string | undefined> {
  const model = modelOf(object);
  const loading = classes.get(model.module) ?? loadClass(model);
  classes.set(model.module, loading);
  const Kind = await loading;
  try {
    new Kind({ ...object, apiVersion: model.apiVersion }).validate();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
