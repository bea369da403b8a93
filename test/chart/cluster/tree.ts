/** A JSON object, and what may be in it. */
export type Tree = { [field: string]: Value };
export type Value = Tree | Value[] | string | number | boolean | null;

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list whose items are all objects. */
export function isTreeList(value: unknown): value is Tree[] {
  return Array.isArray(value) && value.every(isTree);
}

export function childPath(path: string, field: string): string {
  return path === "" ? field : `${path}.${field}`;
}
