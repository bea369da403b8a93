import { ApiError } from "./api-error.ts";

/** A kind the cluster serves, and where. */
export interface Resource {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** What `plural.group/version` says of a namespaced kind, with its name. */
function namespaced(kind: string, plural: string, apiVersion: string): Resource {
  return { ...splitApiVersion(apiVersion), plural, kind, namespaced: true };
}

/** The kinds of Kubernetes itself that a chart like this one touches. */
export const KUBERNETES_RESOURCES: readonly Resource[] = [
  { group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false },
  { group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false },
  namespaced("ConfigMap", "configmaps", "v1"),
  namespaced("Endpoints", "endpoints", "v1"),
  namespaced("Event", "events", "v1"),
  namespaced("PersistentVolumeClaim", "persistentvolumeclaims", "v1"),
  namespaced("Pod", "pods", "v1"),
  namespaced("Secret", "secrets", "v1"),
  namespaced("Service", "services", "v1"),
  namespaced("ServiceAccount", "serviceaccounts", "v1"),
  namespaced("DaemonSet", "daemonsets", "apps/v1"),
  namespaced("Deployment", "deployments", "apps/v1"),
  namespaced("ReplicaSet", "replicasets", "apps/v1"),
  namespaced("StatefulSet", "statefulsets", "apps/v1"),
  namespaced("HorizontalPodAutoscaler", "horizontalpodautoscalers", "autoscaling/v2"),
  namespaced("Job", "jobs", "batch/v1"),
  namespaced("CronJob", "cronjobs", "batch/v1"),
  namespaced("NetworkPolicy", "networkpolicies", "networking.k8s.io/v1"),
  namespaced("Ingress", "ingresses", "networking.k8s.io/v1"),
  namespaced("PodDisruptionBudget", "poddisruptionbudgets", "policy/v1"),
  namespaced("Role", "roles", "rbac.authorization.k8s.io/v1"),
  namespaced("RoleBinding", "rolebindings", "rbac.authorization.k8s.io/v1"),
  { group: "rbac.authorization.k8s.io", version: "v1", plural: "clusterroles", kind: "ClusterRole", namespaced: false },
  { group: "rbac.authorization.k8s.io", version: "v1", plural: "clusterrolebindings", kind: "ClusterRoleBinding", namespaced: false },
];

/** Kinds of operators that a cluster may have installed. */
export const OPERATOR_RESOURCES: readonly Resource[] = [
  namespaced("PodMonitor", "podmonitors", "monitoring.coreos.com/v1"),
  namespaced("ServiceMonitor", "servicemonitors", "monitoring.coreos.com/v1"),
  namespaced("PrometheusRule", "prometheusrules", "monitoring.coreos.com/v1"),
  namespaced("ScaledObject", "scaledobjects", "keda.sh/v1alpha1"),
  namespaced("Certificate", "certificates", "cert-manager.io/v1"),
  namespaced("TCPRoute", "tcproutes", "gateway.networking.k8s.io/v1"),
  namespaced("UDPRoute", "udproutes", "gateway.networking.k8s.io/v1"),
  namespaced("HTTPRoute", "httproutes", "gateway.networking.k8s.io/v1"),
];

/** What a request path points at. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  /** Undefined for a list. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

const PATH =
  /^\/(?:api\/(?<core>[^/]+)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))(?:\/namespaces\/(?<namespace>[^/]+)(?=\/[^/]))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<sub>[^/]+))?)?$/;

/** What the path of a request means. Throws 404 where nothing is served. */
export function targetOf(path: string, resources: readonly Resource[]): Target {
  const match = PATH.exec(path)?.groups;
  const [group, version] = match?.core === undefined ? [match?.group, match?.version] : ["", match.core];
  const resource = resources.find(
    (candidate) => candidate.group === group && candidate.version === version && candidate.plural === match?.plural,
  );
  if (!match || !resource) throw new ApiError(404, "NotFound", "the server could not find the requested resource");
  return { resource, namespace: match.namespace, name: match.name, subresource: match.sub };
}

export function apiVersionOf({ group, version }: Pick<Resource, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}

function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf("/");
  return { group: apiVersion.slice(0, Math.max(slash, 0)), version: apiVersion.slice(slash + 1) };
}
