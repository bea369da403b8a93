import type { KubernetesObject } from "../objects/object.ts";

const NAME_FIELD = "metadata.name=";

/** Which objects a list or watch asks for: labels by equality and by set, fields by name only. */
export function selectorOf(query: URLSearchParams): (object: KubernetesObject) => boolean {
  const terms = (query.get("labelSelector") ?? "").split(/,(?![^(]*\))/).filter((term) => term !== "");
  const labelTests = terms.map(labelTest);
  const field = query.get("fieldSelector") ?? "";
  const name = field.startsWith(NAME_FIELD) ? field.slice(NAME_FIELD.length) : undefined;
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return (name === undefined || object.metadata.name === name) && labelTests.every((test) => test(labels));
  };
}

function labelTest(term: string): (labels: Readonly<Record<string, string>>) => boolean {
  const set = /^(\S+) (in|notin) \((.*)\)$/.exec(term.trim());
  if (set) {
    const [, key, operator, values] = set;
    const wanted = values!.split(",").map((value) => value.trim());
    return (labels) => wanted.includes(labels[key!] ?? "") === (operator === "in");
  }
  const equality = /^([^=!]+?)(!=|==?)(.*)$/.exec(term.trim());
  if (!equality) return (labels) => labels[term.trim()] !== undefined;
  const [, key, operator, value] = equality;
  return (labels) => (labels[key!] === value) === (operator !== "!=");
}
