import { isDeepStrictEqual } from "node:util";
import { ApiError } from "./api-error.ts";
import { keyOf, listKeysOf } from "./list-keys.ts";
import { childPath, isTree, isTreeList, type Tree, type Value } from "./tree.ts";

/** Fields that everybody writes and nobody owns. */
const UNOWNED =
  /^(apiVersion|kind|status($|\.)|metadata\.(name|namespace|uid|resourceVersion|generation|creationTimestamp|managedFields)($|\.))/;

/** The leaves of an object by path: "spec.template.spec.containers[["gateway"]].image". Lists without keys are leaves. */
function leavesOf(kind: string, value: Value, path = "", schemaPath = "", leaves = new Map<string, Value>()): Map<string, Value> {
  const keys = listKeysOf(kind, schemaPath)?.apply;
  if (isTree(value) && Object.keys(value).length > 0) {
    for (const [field, child] of Object.entries(value)) leavesOf(kind, child, childPath(path, field), childPath(schemaPath, field), leaves);
  } else if (keys !== undefined && isTreeList(value)) {
    for (const item of value) leavesOf(kind, item, `${path}[${keyOf(item, keys)}]`, `${schemaPath}[]`, leaves);
  } else if (!UNOWNED.test(path)) {
    leaves.set(path, value);
  }
  return leaves;
}

/** Who set which fields of one object: what server-side apply needs in order to remove what is no longer wanted and to see conflicts. */
export class OwnedFields {
  readonly #kind: string;
  readonly #owners = new Map<string, Set<string>>();

  constructor(kind: string) {
    this.#kind = kind;
  }

  /** After a write that says all fields (create, update, patch): what it changed is the writer's from now on. */
  noteWrite(manager: string, before: Tree, after: Tree): void {
    const [old, now] = [leavesOf(this.#kind, before), leavesOf(this.#kind, after)];
    for (const path of old.keys()) {
      if (!now.has(path)) for (const paths of this.#owners.values()) paths.delete(path);
    }
    for (const [path, value] of now) {
      if (old.has(path) && isDeepStrictEqual(old.get(path), value)) continue;
      for (const paths of this.#owners.values()) paths.delete(path);
      this.#pathsOf(manager).add(path);
    }
  }

  /** The object after `manager` applied `wanted` to it. Throws 409 where another manager set a field to something else. */
  apply(manager: string, before: Tree, wanted: Tree, force: boolean): Tree {
    const [old, now] = [leavesOf(this.#kind, before), leavesOf(this.#kind, wanted)];
    for (const [other, paths] of this.#owners) {
      if (other === manager) continue;
      const contested = [...now.keys()].filter((path) => paths.has(path) && !isDeepStrictEqual(old.get(path), now.get(path)));
      if (contested.length > 0 && !force) {
        throw new ApiError(
          409,
          "Conflict",
          `Apply failed with ${contested.length} conflict: conflict with "${other}": .${contested.join(", .")}`,
        );
      }
      for (const path of contested) paths.delete(path);
    }
    const mine = this.#pathsOf(manager);
    const isWanted = (path: string): boolean =>
      now.has(path) || [...this.#owners].some(([other, paths]) => other !== manager && paths.has(path));
    const gone = new Set([...mine].filter((path) => !isWanted(path)));
    const rest = gone.size === 0 ? before : ((this.#without(before, gone) as Tree | undefined) ?? {});
    this.#owners.set(manager, new Set(now.keys()));
    return this.#merge(rest, wanted) as Tree;
  }

  #pathsOf(manager: string): Set<string> {
    const paths = this.#owners.get(manager) ?? new Set<string>();
    this.#owners.set(manager, paths);
    return paths;
  }

  /** Without these leaves and without what was only there to hold them. */
  #without(value: Value, gone: ReadonlySet<string>, path = "", schemaPath = ""): Value | undefined {
    if (gone.has(path)) return undefined;
    const keys = listKeysOf(this.#kind, schemaPath)?.apply;
    if (isTree(value)) {
      const fields = Object.entries(value).flatMap(([field, child]) => {
        const kept = this.#without(child, gone, childPath(path, field), childPath(schemaPath, field));
        return kept === undefined ? [] : [[field, kept] as const];
      });
      return fields.length === 0 && Object.keys(value).length > 0 ? undefined : Object.fromEntries(fields);
    }
    if (keys === undefined || !isTreeList(value)) return value;
    const items = value.flatMap((item) => this.#without(item, gone, `${path}[${keyOf(item, keys)}]`, `${schemaPath}[]`) ?? []);
    return items.length === 0 && value.length > 0 ? undefined : items;
  }

  #merge(current: Value | undefined, wanted: Value, schemaPath = ""): Value {
    const keys = listKeysOf(this.#kind, schemaPath)?.apply;
    if (isTree(wanted)) {
      const result: Tree = isTree(current) ? { ...current } : {};
      for (const [field, value] of Object.entries(wanted)) result[field] = this.#merge(result[field], value, childPath(schemaPath, field));
      return result;
    }
    if (keys === undefined || !isTreeList(wanted)) return wanted;
    const items = isTreeList(current) ? current : [];
    const find = (list: readonly Tree[], item: Tree): Tree | undefined => list.find((other) => keyOf(other, keys) === keyOf(item, keys));
    return [
      ...wanted.map((item) => this.#merge(find(items, item), item, `${schemaPath}[]`)),
      ...items.filter((item) => find(wanted, item) === undefined),
    ];
  }
}
