import { parseAllDocuments } from "yaml";
import { at, type KubernetesObject } from "./object.ts";

/** The objects of a manifest, read the way Kubernetes reads it. Throws on YAML that is wrong, repeats a key, or is no object. */
export function parseManifest(text: string): KubernetesObject[] {
  const documents = parseAllDocuments(text, {
    version: "1.1",
    uniqueKeys: true,
    // To Kubernetes' reader 1:30 and 2026-01-01 are strings; "yes", "on" and 0440 it reads as YAML 1.1 says.
    customTags: (tags) => tags.filter((tag) => typeof tag === "string" || !(tag.tag.endsWith(":timestamp") || tag.format === "TIME")),
  });
  if ("empty" in documents) return [];
  return documents.flatMap((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) throw new Error(`the manifest is not YAML: ${problem.message}`);
    const value: unknown = document.toJS();
    if (value === null) return [];
    for (const path of [["apiVersion"], ["kind"], ["metadata", "name"]]) {
      if (typeof at(value, ...path) !== "string") throw new Error(`no Kubernetes object: ${JSON.stringify(value).slice(0, 200)}`);
    }
    return [value as KubernetesObject];
  });
}
