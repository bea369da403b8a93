import { ApiError } from "./api-error.ts";
import { listKeysOf } from "./list-keys.ts";
import { childPath, isTree, isTreeList, type Tree, type Value } from "./tree.ts";

/** RFC 7386: what Helm sends for kinds that Kubernetes itself does not know. */
export function applyMergePatch(original: Value | undefined, patch: Value): Value {
  if (!isTree(patch)) return patch;
  const result: Tree = isTree(original) ? { ...original } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field];
    else result[field] = applyMergePatch(result[field], value);
  }
  return result;
}

/** A strategic merge patch, as kubectl and Helm 3 send it: like a merge patch, but the lists that have a key are merged item by item. */
export function applyStrategicMergePatch(kind: string, original: Value | undefined, patch: Tree, path = ""): Tree {
  if (patch.$patch === "replace") return withoutDirectives(patch);
  const result: Tree = isTree(original) ? { ...original } : {};
  if (Array.isArray(patch.$retainKeys)) {
    for (const field of Object.keys(result)) if (!patch.$retainKeys.includes(field)) delete result[field];
  }
  for (const [field, value] of Object.entries(withoutDirectives(patch))) {
    const child = childPath(path, field);
    const key = listKeysOf(kind, child)?.patch;
    if (value === null) delete result[field];
    else if (isTree(value)) result[field] = applyStrategicMergePatch(kind, result[field], value, child);
    else if (key !== undefined && isTreeList(value)) result[field] = mergeItems(kind, result[field], value, key, `${child}[]`);
    else result[field] = value;
  }
  for (const [directive, order] of Object.entries(patch)) {
    const field = directive.startsWith("$setElementOrder/") ? directive.slice("$setElementOrder/".length) : undefined;
    const key = field === undefined ? undefined : listKeysOf(kind, childPath(path, field))?.patch;
    const items = field === undefined ? undefined : result[field];
    if (field === undefined || key === undefined || !isTreeList(items) || !isTreeList(order)) continue;
    mustFollow(patch[field], order, key, directive);
    result[field] = sortItems(items, order, key);
  }
  return result;
}

/** The first item with the same key is changed, as the real server does: where two share it, the second cannot be reached. */
function mergeItems(kind: string, original: Value | undefined, patch: readonly Tree[], key: string, path: string): Value[] {
  const items: Tree[] = isTreeList(original) ? [...original] : [];
  for (const change of patch) {
    const index = items.findIndex((item) => item[key] === change[key]);
    if (change.$patch === "delete") {
      if (index >= 0) items.splice(index, 1);
    } else if (index >= 0) {
      items[index] = applyStrategicMergePatch(kind, items[index], change, path);
    } else {
      items.push(applyStrategicMergePatch(kind, undefined, change, path));
    }
  }
  return items;
}

/** What a patch says of items has to come in the order it gives; with a key that two items share it may not, and then the real server refuses as well. */
function mustFollow(patch: Value | undefined, order: readonly Tree[], key: string, directive: string): void {
  const rest = isTreeList(patch) ? patch.filter((item) => item.$patch !== "delete").map((item) => item[key]) : [];
  for (const item of order) if (item[key] === rest[0]) rest.shift();
  if (rest.length > 0)
    throw new ApiError(
      400,
      "BadRequest",
      `The order in patch list: ${JSON.stringify(patch)} doesn't match ${directive} list: ${JSON.stringify(order)}`,
    );
}

function sortItems(items: readonly Tree[], order: readonly Tree[], key: string): Value[] {
  const place = (item: Tree): number => {
    const index = order.findIndex((other) => other[key] === item[key]);
    return index < 0 ? order.length : index;
  };
  return items.toSorted((left, right) => place(left) - place(right));
}

function withoutDirectives(patch: Tree): Tree {
  return Object.fromEntries(Object.entries(patch).filter(([field]) => !field.startsWith("$")));
}
