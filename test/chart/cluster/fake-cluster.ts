import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubernetesObject } from "../objects/object.ts";
import { ApiError } from "./api-error.ts";
import type { Cluster } from "./cluster.ts";
import { describeCluster } from "./discovery.ts";
import { ObjectStore, type PatchKind, type Write } from "./object-store.ts";
import { PROTOBUF_TYPE, readProtobufSecret } from "./protobuf.ts";
import { apiVersionOf, KUBERNETES_RESOURCES, OPERATOR_RESOURCES, type Resource, type Target, targetOf } from "./resources.ts";
import { selectorOf } from "./selectors.ts";
import type { Tree } from "./tree.ts";
import { watch } from "./watch.ts";

const PATCH_KINDS: Readonly<Record<string, PatchKind>> = {
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** Who changes objects without being Helm. */
const SOMEBODY: Write = { manager: "kubectl-edit", dryRun: false, force: false };

export interface FakeClusterOptions {
  /** Default v1.35.0. */
  readonly kubeVersion?: string;
  /** Whether the kinds of Prometheus' operator, KEDA and the Gateway API are there. Default true. */
  readonly operators?: boolean;
}

/**
 * As much of the Kubernetes API as Helm uses, in memory: discovery, objects with resource versions, lists, watches, patches of all three kinds, field
 * ownership. It checks objects with the models of `kubernetes-models` and knows what cannot be changed. It is no cluster: nothing runs, statuses say
 * "ready" at once, there is no defaulting, no garbage collection, no admission but that. `await using` stops it.
 */
export class FakeCluster implements Cluster {
  readonly namespace = "proxies";
  readonly objects = new ObjectStore();
  readonly kubeconfig: string;
  readonly #folder: string;
  readonly #server: Server;
  readonly #kubeVersion: string;
  readonly #resources: readonly Resource[];
  #lastWrite: Promise<unknown> = Promise.resolve();

  /** Use `startFakeCluster`. */
  constructor(folder: string, options: FakeClusterOptions) {
    this.#folder = folder;
    this.kubeconfig = join(folder, "kubeconfig");
    this.#kubeVersion = options.kubeVersion ?? "v1.35.0";
    this.#resources = options.operators === false ? KUBERNETES_RESOURCES : [...KUBERNETES_RESOURCES, ...OPERATOR_RESOURCES];
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    await writeFile(this.kubeconfig, JSON.stringify(kubeconfigFor(`http://127.0.0.1:${port}`)));
    for (const name of ["default", this.namespace]) {
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
      await this.objects.create(this.#targetFor(namespace), namespace, SOMEBODY);
    }
  }

  async edit(object: KubernetesObject, patch: Tree): Promise<void> {
    await this.objects.patch(this.#targetFor(object), "merge", patch, SOMEBODY);
  }

  async remove(object: KubernetesObject): Promise<void> {
    this.objects.delete(this.#targetFor(object), SOMEBODY);
  }

  async list(): Promise<KubernetesObject[]> {
    return this.#resources
      .filter(({ namespaced }) => namespaced)
      .flatMap((resource) => this.objects.list(resource, this.namespace))
      .sort((left, right) => `${left.kind}/${left.metadata.name}`.localeCompare(`${right.kind}/${right.metadata.name}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #targetFor({ apiVersion, kind, metadata }: KubernetesObject): Target {
    const resource = this.#resources.find((candidate) => candidate.kind === kind && apiVersionOf(candidate) === apiVersion);
    if (resource === undefined) throw new Error(`the fake cluster does not serve ${apiVersion} ${kind}`);
    return { resource, namespace: metadata.namespace, name: metadata.name, subresource: undefined };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://cluster");
    try {
      const description = describeCluster(url.pathname, this.#kubeVersion, this.#resources);
      if (description !== undefined) {
        response.writeHead(200, { "content-type": description.contentType }).end(description.body);
        return;
      }
      const target = targetOf(url.pathname, this.#resources);
      if (request.method === "GET" && url.searchParams.get("watch") === "true")
        return watch(this.objects, target, url.searchParams, response);
      const body = await readBody(request);
      // One write after the other, so that what was checked is still true when it is done.
      const answering = this.#lastWrite.then(() => this.#serve(request, target, url.searchParams, body));
      this.#lastWrite = answering.catch(() => {});
      send(response, request.method === "POST" ? 201 : 200, await answering);
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError(500, "InternalError", (error as Error).stack ?? String(error));
      send(response, known.code, known.toStatus());
    }
  }

  async #serve(request: IncomingMessage, target: Target, query: URLSearchParams, body: Tree | undefined): Promise<object> {
    const write: Write = {
      manager: query.get("fieldManager") ?? "unknown",
      dryRun: query.get("dryRun") === "All",
      force: query.get("force") === "true",
    };
    const object = body as unknown as KubernetesObject;
    switch (request.method) {
      case "GET":
        return target.name === undefined ? this.#listOf(target, query) : this.objects.get(target);
      case "POST":
        return this.objects.create({ ...target, name: object.metadata.name }, object, write);
      case "PUT":
        return this.objects.replace(target, object, write);
      case "PATCH": {
        const kind = PATCH_KINDS[request.headers["content-type"] ?? ""];
        if (kind === undefined) throw new ApiError(415, "UnsupportedMediaType", `cannot patch with ${request.headers["content-type"]}`);
        return this.objects.patch(target, kind, body!, write);
      }
      case "DELETE":
        return this.objects.delete(target, write);
      default:
        throw new ApiError(405, "MethodNotAllowed", `${request.method} is not supported`);
    }
  }

  #listOf({ resource, namespace }: Target, query: URLSearchParams): object {
    const isWanted = selectorOf(query);
    return {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(this.objects.version) },
      items: this.objects.list(resource, namespace).filter(isWanted),
    };
  }
}

export async function startFakeCluster(options: FakeClusterOptions = {}): Promise<FakeCluster> {
  const cluster = new FakeCluster(await mkdtemp(join(tmpdir(), "shadowfleet-cluster-")), options);
  await cluster.start();
  return cluster;
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<Tree | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  // What a deletion says is how to go about the objects that depend on it, of which there are none.
  if (chunks.length === 0 || request.method === "DELETE") return undefined;
  const body = Buffer.concat(chunks);
  return request.headers["content-type"] === PROTOBUF_TYPE ? readProtobufSecret(body) : (JSON.parse(body.toString()) as Tree);
}

function kubeconfigFor(server: string): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "fake", cluster: { server } }],
    users: [{ name: "fake", user: { token: "anybody" } }],
    contexts: [{ name: "fake", context: { cluster: "fake", user: "fake", namespace: "default" } }],
    "current-context": "fake",
  };
}
