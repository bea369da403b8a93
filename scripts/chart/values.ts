import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from "yaml";

/** A value of the chart as `values.yaml` documents it. */
export interface DocumentedValue {
  /** `relay.service.type` */
  readonly path: string;
  readonly description: string;
  readonly defaultValue: unknown;
}

/**
 * Reads the leaves of values.yaml: what a comment that begins with `--` stands above is one, whatever it holds; a map without is a block of them. Throws
 * RangeError for a scalar or list that has none, so that no value goes undocumented.
 */
export function documentedValues(valuesText: string): readonly DocumentedValue[] {
  const document = parseDocument(valuesText);
  const [problem] = document.errors;
  if (problem) throw new RangeError(`values.yaml: ${problem.message}`);
  if (!isMap(document.contents)) throw new RangeError("values.yaml is not a map");
  return leavesOfMap(document.contents, "", document.commentBefore ?? "");
}

/** The parser hands the comment of a map's first key to the map, and that of a document's first key to the document. */
function leavesOfMap(map: YAMLMap, path: string, ofFirst = ""): DocumentedValue[] {
  const first = [ofFirst, map.commentBefore ?? ""].join("\n");
  return map.items.flatMap((pair, index) => leavesOf(pair, path, index === 0 ? first : ""));
}

function leavesOf(pair: Pair, above: string, ofFirst: string): DocumentedValue[] {
  if (!isScalar(pair.key)) throw new RangeError(`values.yaml: a key below "${above}" is no text`);
  const path = above === "" ? String(pair.key.value) : `${above}.${pair.key.value}`;
  const description = descriptionIn(pair.key.commentBefore ?? ofFirst);
  if (description !== undefined)
    return [{ path, description, defaultValue: (pair.value as { toJSON(): unknown } | null)?.toJSON() ?? null }];
  if (!isMap(pair.value)) throw new RangeError(`values.yaml: ${path} has no comment that begins with "# --"`);
  return leavesOfMap(pair.value, path);
}

/** The text after `--`, its lines joined; undefined where there is none. */
function descriptionIn(comment: string): string | undefined {
  const [, text] = /(?:^|\n) ?-- ([\s\S]*)$/.exec(comment) ?? [];
  return text?.replace(/\s*\n\s*/g, " ").trim();
}
