import * as kubernetes from "./chart/kubernetes-shapes.ts";
import type { Shape } from "./chart/shapes.ts";
import { valueShapes } from "./chart/value-shapes.ts";
import { type DocumentedValue, documentedValues } from "./chart/values.ts";

const NAMES: ReadonlyMap<unknown, string> = new Map(Object.entries(kubernetes).map(([name, shape]) => [shape, name]));

/**
 * The chart's values.schema.json: what each value may be, described as values.yaml does. Throws RangeError when the two do not have the same values.
 */
export function chartSchema(valuesText: string, methodNames: readonly string[]): string {
  const undescribed = new Map(documentedValues(valuesText).map((value) => [value.path, value]));
  const definitions: Record<string, unknown> = {};
  const schema = described(valueShapes(methodNames), "", undescribed, definitions);
  const [leftOver] = undescribed.keys();
  if (leftOver !== undefined) throw new RangeError(`values.yaml: ${leftOver} has no shape in scripts/chart/value-shapes.ts`);
  const document = { $schema: "http://json-schema.org/draft-07/schema#", title: "Values of the chart shadowfleet", ...schema, definitions };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function described(shape: Shape, path: string, undescribed: Map<string, DocumentedValue>, definitions: Record<string, unknown>): Shape {
  const value = undescribed.get(path);
  if (value) {
    undescribed.delete(path);
    return { description: value.description, ...(referenced(shape, definitions) as Shape) };
  }
  const properties = shape.properties as Readonly<Record<string, Shape>> | undefined;
  if (!properties) throw new RangeError(`values.yaml does not have ${path}`);
  const inner = Object.entries(properties).map(([name, property]) => [
    name,
    described(property, path === "" ? name : `${path}.${name}`, undescribed, definitions),
  ]);
  // Helm takes away what is set to null; where no template expects that, it is an error and not a surprise.
  const required = Object.entries(properties).flatMap(([name, property]) => (isNullable(property) ? [] : [name]));
  return { ...shape, properties: Object.fromEntries(inner), required };
}

const isNullable = ({ type, anyOf }: Shape): boolean =>
  (Array.isArray(type) && type.includes("null")) || (Array.isArray(anyOf) && (anyOf as readonly Shape[]).some(isNullable));

/** The shape with every shape of Kubernetes' in it, or itself, as a reference to its one definition: Helm keeps the whole chart in a Secret of limited size. */
function referenced(part: unknown, definitions: Record<string, unknown>): unknown {
  const name = NAMES.get(part);
  if (name === undefined) return withoutRepetition(part, definitions);
  definitions[name] ??= withoutRepetition(part, definitions);
  return { $ref: `#/definitions/${name}` };
}

function withoutRepetition(part: unknown, definitions: Record<string, unknown>): unknown {
  if (Array.isArray(part)) return part.map((item) => referenced(item, definitions));
  if (typeof part !== "object" || part === null) return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, referenced(value, definitions)]));
}
