import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "../objects/object.ts";
import { admit } from "./admission.ts";
import { ApiError } from "./api-error.ts";
import { applyMergePatch, applyStrategicMergePatch } from "./merge-patch.ts";
import { OwnedFields } from "./owned-fields.ts";
import { KUBERNETES_RESOURCES, type Resource, type Target } from "./resources.ts";
import { goodStatusOf, type PodFate } from "./statuses.ts";
import type { Tree } from "./tree.ts";

export type WatchType = "ADDED" | "MODIFIED" | "DELETED";

/** Something that happened, in order. */
export interface WatchEvent {
  readonly type: WatchType;
  readonly resource: Resource;
  readonly version: number;
  readonly object: KubernetesObject;
}

export type PatchKind = "merge" | "strategic" | "apply";

export interface Write {
  readonly manager: string;
  readonly dryRun: boolean;
  readonly force: boolean;
}

interface Entry {
  readonly object: KubernetesObject;
  readonly owned: OwnedFields;
}

/** The objects of a cluster, with a resource version a write and the events watchers live on. */
export class ObjectStore {
  readonly events: WatchEvent[] = [];
  readonly watchers = new Set<(event: WatchEvent) => void>();
  /** How a pod ends that somebody creates. */
  podFate: (pod: KubernetesObject) => PodFate = () => "Succeeded";
  readonly #entries = new Map<string, Entry>();
  #version = 1;

  get version(): number {
    return this.#version;
  }

  get(target: Target): KubernetesObject {
    return this.#find(target).object;
  }

  /** Objects of one kind, in one namespace or in all. */
  list(resource: Resource, namespace?: string): KubernetesObject[] {
    const prefix = `${keyPrefix(resource)}${namespace === undefined ? "" : `${namespace}/`}`;
    return [...this.#entries].filter(([key]) => key.startsWith(prefix)).map(([, entry]) => entry.object);
  }

  async create(target: Target, object: KubernetesObject, write: Write): Promise<KubernetesObject> {
    const { resource, namespace } = target;
    const { name } = object.metadata;
    if (this.#entries.has(keyOf(target, name))) throw new ApiError(409, "AlreadyExists", `${resource.plural} "${name}" already exists`);
    if (resource.namespaced) this.#mustHaveNamespace(namespace);
    const fresh: KubernetesObject = {
      ...object,
      metadata: {
        ...object.metadata,
        ...(resource.namespaced ? { namespace: namespace! } : {}),
        ...{ uid: randomUUID(), creationTimestamp: new Date().toISOString(), generation: 1 },
      },
    };
    await admit(undefined, fresh);
    const owned = new OwnedFields(resource.kind);
    owned.noteWrite(write.manager, {}, fresh as unknown as Tree);
    return this.#put(target, fresh, owned, "ADDED", write);
  }

  async replace(target: Target, object: KubernetesObject, write: Write): Promise<KubernetesObject> {
    return this.#change(target, write, () => object as unknown as Tree);
  }

  async patch(target: Target, kind: PatchKind, patch: Tree, write: Write): Promise<KubernetesObject> {
    if (kind === "apply") {
      if (!this.#entries.has(keyOf(target, target.name!))) return this.create(target, patch as unknown as KubernetesObject, write);
      return this.#change(target, write, (before, owned) => owned.apply(write.manager, before, patch, write.force), false);
    }
    if (kind === "merge") return this.#change(target, write, (before) => applyMergePatch(before, patch) as Tree);
    if (!KUBERNETES_RESOURCES.includes(target.resource)) {
      throw new ApiError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format: strategic merge patch of a custom resource",
      );
    }
    return this.#change(target, write, (before) => applyStrategicMergePatch(target.resource.kind, before, patch));
  }

  delete(target: Target, { dryRun }: Pick<Write, "dryRun">): KubernetesObject {
    const { object } = this.#find(target);
    if (dryRun) return object;
    this.#entries.delete(keyOf(target, target.name!));
    this.#tell("DELETED", target.resource, object);
    return object;
  }

  async #change(
    target: Target,
    write: Write,
    change: (before: Tree, owned: OwnedFields) => Tree,
    isWrite = true,
  ): Promise<KubernetesObject> {
    const { object: before, owned } = this.#find(target);
    const wanted = change(before as unknown as Tree, owned) as unknown as KubernetesObject;
    const { uid, creationTimestamp, generation, resourceVersion } = before.metadata as unknown as Tree;
    const sent = (wanted.metadata as unknown as Tree).resourceVersion;
    if (sent !== undefined && sent !== resourceVersion)
      throw new ApiError(409, "Conflict", "the object has been modified; please apply your changes to the latest version and try again");
    const isSameSpec = isDeepStrictEqual(wanted.spec, before.spec);
    const after: KubernetesObject = {
      ...wanted,
      metadata: {
        ...wanted.metadata,
        ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
        ...{ uid, creationTimestamp, resourceVersion, generation: isSameSpec ? generation : Number(generation) + 1 },
      },
    };
    await admit(before, after);
    if (isWrite) owned.noteWrite(write.manager, before as unknown as Tree, after as unknown as Tree);
    if (isDeepStrictEqual(before, after)) return before;
    return this.#put(target, after, owned, "MODIFIED", write);
  }

  #put(target: Target, object: KubernetesObject, owned: OwnedFields, type: WatchType, { dryRun }: Write): KubernetesObject {
    if (dryRun) return object;
    this.#version++;
    const status = goodStatusOf(object, this.podFate);
    const stored = {
      ...object,
      ...(status === undefined ? {} : { status }),
      metadata: { ...object.metadata, resourceVersion: String(this.#version) },
    };
    this.#entries.set(keyOf(target, object.metadata.name), { object: stored, owned });
    this.#tell(type, target.resource, stored);
    return stored;
  }

  #tell(type: WatchType, resource: Resource, object: KubernetesObject): void {
    if (type === "DELETED") this.#version++;
    const event = { type, resource, version: this.#version, object };
    this.events.push(event);
    for (const watcher of this.watchers) watcher(event);
  }

  #find(target: Target): Entry {
    const entry = this.#entries.get(keyOf(target, target.name!));
    if (entry === undefined) throw new ApiError(404, "NotFound", `${target.resource.plural} "${target.name}" not found`);
    return entry;
  }

  #mustHaveNamespace(namespace: string | undefined): void {
    const [namespaces] = KUBERNETES_RESOURCES;
    if (namespace === undefined || !this.#entries.has(`${keyPrefix(namespaces!)}/${namespace}`)) {
      throw new ApiError(404, "NotFound", `namespaces "${namespace}" not found`);
    }
  }
}

/** Every object of a kind has a key that begins like this; those of a namespace go on with "/" and its name. */
function keyPrefix({ plural, group }: Resource): string {
  return `${plural}.${group}/`;
}

function keyOf({ resource, namespace }: Target, name: string): string {
  return `${keyPrefix(resource)}${resource.namespaced ? namespace : ""}/${name}`;
}
