import type { z } from "zod";

/** The parts of zod's public definition objects (`schema._zod.def`) that lead to other schemas. */
interface SchemaDefinition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly innerType?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly items?: readonly z.core.$ZodType[];
  readonly options?: readonly z.core.$ZodType[];
  readonly in?: z.core.$ZodType;
  readonly left?: z.core.$ZodType;
  readonly right?: z.core.$ZodType;
  readonly getter?: () => z.core.$ZodType;
}

/** Every key the objects at that place of the data may have; the keys of all alternatives where there are several. */
export function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): ReadonlySet<string> {
  let level = flatten(schema);
  for (const step of path) level = level.flatMap((definition) => stepInto(definition, step)).flatMap(flatten);
  return new Set(level.flatMap(({ shape }) => Object.keys(shape ?? {})));
}

/** The definitions behind optional, default, union, pipe and the like. */
function flatten(schema: z.core.$ZodType): SchemaDefinition[] {
  const definition = schema._zod.def as SchemaDefinition;
  const { innerType, options, in: input, left, right, getter } = definition;
  const next = [innerType, input, left, right, getter?.(), ...(options ?? [])].filter((part) => part !== undefined);
  return next.length === 0 ? [definition] : next.flatMap(flatten);
}

function stepInto({ shape, element, valueType, items }: SchemaDefinition, step: PropertyKey): z.core.$ZodType[] {
  const item = typeof step === "number" ? items?.[step] : undefined;
  return [shape?.[String(step)], element, valueType, item].filter((part) => part !== undefined);
}
