import { stringify } from "yaml";

/**
 * What a command answers, for machines: names as in the API, in lowerCamelCase; times become RFC 3339 in UTC; byte counts stay whole; what is
 * not there is null, so that every document of a kind has the same names.
 */
export type Document = null | boolean | number | bigint | string | Date | readonly Document[] | { readonly [name: string]: Document };

// JSON.stringify refuses a bigint, and a number would round beyond 2^53.
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** One JSON text; whole numbers keep all their digits. `indent` 0: one line. */
export function toJson(document: Document, indent: 0 | 2): string {
  return JSON.stringify(document, (_, value: unknown) => (typeof value === "bigint" ? rawJSON(value.toString()) : value), indent);
}

/** One YAML document without its "---". */
export function toYaml(document: Document): string {
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}
