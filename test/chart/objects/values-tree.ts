/** Steps from the top of the values to one of them: ["relay", "service", "type"]. */
export type ValuePath = readonly (string | number)[];

/** Every object among the values, the top one first. */
export function objectsIn(values: unknown, path: ValuePath = []): ValuePath[] {
  if (typeof values !== "object" || values === null) return [];
  const below = entriesOf(values).flatMap(([step, value]) => objectsIn(value, [...path, step]));
  return Array.isArray(values) ? below : [path, ...below];
}

/** Every value that holds no others, and every empty list and object. */
export function leavesIn(values: unknown, path: ValuePath = []): ValuePath[] {
  if (typeof values !== "object" || values === null || entriesOf(values).length === 0) return [path];
  return entriesOf(values).flatMap(([step, value]) => leavesIn(value, [...path, step]));
}

/** A copy in which `value` stands at the path. */
export function withValue(values: unknown, path: ValuePath, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const copy = Array.isArray(values) ? [...values] : { ...(values as object) };
  const fields = copy as Record<string | number, unknown>;
  fields[step] = withValue(fields[step] ?? {}, rest, value);
  return copy;
}

/** "relay.service.type" */
export function dotted(path: ValuePath): string {
  return path.join(".");
}

function entriesOf(value: object): [string | number, unknown][] {
  return Array.isArray(value) ? value.map((item, index) => [index, item]) : Object.entries(value);
}
