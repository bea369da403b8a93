import { apiVersionOf, type Resource } from "./resources.ts";

export interface Answer {
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

const DISCOVERY_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const OPENAPI_V2_TYPE = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** What clients ask a cluster about itself before anything else; undefined for every other path. */
export function describeCluster(path: string, kubeVersion: string, resources: readonly Resource[]): Answer | undefined {
  if (path === "/version") return json(versionOf(kubeVersion));
  if (path === "/api") return json(groupList(resources.filter(({ group }) => group === "")), DISCOVERY_TYPE);
  if (path === "/apis") return json(groupList(resources.filter(({ group }) => group !== "")), DISCOVERY_TYPE);
  // An empty document: in protocol buffers that is no bytes at all. Clients then check nothing themselves and leave it to the server.
  if (path === "/openapi/v2") return { contentType: OPENAPI_V2_TYPE, body: new Uint8Array() };
  if (path === "/openapi/v3")
    return json({ paths: Object.fromEntries(rootsOf(resources).map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }])) });
  const listed = resources.filter((resource) => path === `/${rootOf(resource)}`);
  if (listed.length > 0) return json(resourceList(listed));
  const root = path.startsWith("/openapi/v3/") ? path.slice("/openapi/v3/".length) : undefined;
  return root !== undefined && rootsOf(resources).includes(root) ? json(openApiOf(root, resources)) : undefined;
}

function json(value: object, contentType = "application/json"): Answer {
  return { contentType, body: JSON.stringify(value) };
}

function versionOf(kubeVersion: string): object {
  const [major, minor] = kubeVersion.replace(/^v/, "").split(".");
  return { major, minor, gitVersion: kubeVersion, platform: "linux/amd64" };
}

function groupList(resources: readonly Resource[]): object {
  const groups = Map.groupBy(resources, ({ group }) => group);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: [...groups].map(([group, members]) => ({
      metadata: group === "" ? {} : { name: group },
      versions: [...Map.groupBy(members, ({ version }) => version)].map(([version, kinds]) => ({
        version,
        freshness: "Current",
        resources: kinds.map((kind) => ({
          resource: kind.plural,
          responseKind: { group, version, kind: kind.kind },
          scope: kind.namespaced ? "Namespaced" : "Cluster",
          singularResource: kind.kind.toLowerCase(),
          verbs: VERBS,
        })),
      })),
    })),
  };
}

/** The older form, which Helm's `lookup` asks for one version at a time. */
function resourceList(resources: readonly Resource[]): object {
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: apiVersionOf(resources[0]!),
    resources: resources.map(({ plural, kind, namespaced }) => ({
      name: plural,
      singularName: kind.toLowerCase(),
      namespaced,
      kind,
      verbs: VERBS,
    })),
  };
}

function rootOf(resource: Resource): string {
  return `${resource.group === "" ? "api" : "apis"}/${apiVersionOf(resource)}`;
}

function rootsOf(resources: readonly Resource[]): string[] {
  return [...new Set(resources.map(rootOf))];
}

/** As much as makes clients believe that the server itself refuses unknown fields (`fieldValidation`), which is where they stop looking. */
function openApiOf(root: string, resources: readonly Resource[]): object {
  const paths = resources
    .filter((resource) => rootOf(resource) === root)
    .map((resource) => [
      `/${root}/${resource.namespaced ? "namespaces/{namespace}/" : ""}${resource.plural}/{name}`,
      {
        patch: {
          "x-kubernetes-group-version-kind": { group: resource.group, version: resource.version, kind: resource.kind },
          parameters: [{ name: "fieldValidation", in: "query", schema: { type: "string" } }],
          responses: { 200: { description: "OK" } },
        },
      },
    ]);
  return { openapi: "3.0.0", info: { title: "Kubernetes", version: "fake" }, paths: Object.fromEntries(paths) };
}
