/** As much of a Kubernetes object as every kind has. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** "Deployment fleet-gateway", for messages. */
export function nameOf(object: KubernetesObject): string {
  return `${object.kind} ${object.metadata.name}`;
}

export function ofKind(objects: readonly KubernetesObject[], kind: string): KubernetesObject[] {
  return objects.filter((object) => object.kind === kind);
}

/** The only object of that kind and name. Throws when there is none or more than one. */
export function only(objects: readonly KubernetesObject[], kind: string, name?: string | RegExp): KubernetesObject {
  const matches = (object: KubernetesObject): boolean =>
    name === undefined || (typeof name === "string" ? object.metadata.name === name : name.test(object.metadata.name));
  const found = ofKind(objects, kind).filter(matches);
  if (found.length !== 1) throw new Error(`${found.length} objects of kind ${kind}${name === undefined ? "" : ` named ${name}`}`);
  return found[0]!;
}

/** The value at a path of field names and indexes; undefined where the path ends early. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}
