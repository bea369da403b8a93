import { isDeepStrictEqual } from "node:util";
import { at, type KubernetesObject, nameOf } from "../objects/object.ts";
import { modelOf, problemOf } from "../schemas/models.ts";
import { isUnmodelled } from "../schemas/unmodelled.ts";
import { ApiError } from "./api-error.ts";

/** The only fields of a StatefulSet's specification that may be changed. */
const CHANGEABLE_OF_STATEFUL_SET = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];

/** Throws what an API server says against an object that is not valid, or that changes what cannot be changed. */
export async function admit(before: KubernetesObject | undefined, after: KubernetesObject): Promise<void> {
  if (!isUnmodelled(after)) {
    const problem = await problemOf(withoutServerFields(after));
    if (problem !== undefined) throw invalid(after, `${problem} (${modelOf(after).module})`);
  }
  if (before === undefined) return;
  for (const path of immutablePathsOf(after)) {
    if (!isDeepStrictEqual(at(before, ...path), at(after, ...path)))
      throw invalid(after, `${path.join(".")}: Invalid value: field is immutable`);
  }
  if (after.kind === "StatefulSet" && !isDeepStrictEqual(fixedPartOf(before), fixedPartOf(after))) {
    throw invalid(
      after,
      `spec: Forbidden: updates to statefulset spec for fields other than ${CHANGEABLE_OF_STATEFUL_SET.join(", ")} are forbidden`,
    );
  }
}

function invalid(object: KubernetesObject, problem: string): ApiError {
  return new ApiError(422, "Invalid", `${nameOf(object)} is invalid: ${problem}`);
}

function immutablePathsOf(object: KubernetesObject): string[][] {
  switch (object.kind) {
    case "Deployment":
    case "DaemonSet":
      return [["spec", "selector"]];
    case "Job":
      return [
        ["spec", "selector"],
        ["spec", "template"],
      ];
    case "Secret":
      return object.immutable === true ? [["type"], ["data"]] : [["type"]];
    case "ConfigMap":
      return object.immutable === true ? [["data"]] : [];
    case "PersistentVolumeClaim":
      return [
        ["spec", "accessModes"],
        ["spec", "storageClassName"],
      ];
    default:
      return [];
  }
}

function fixedPartOf(statefulSet: KubernetesObject): object {
  const fields = Object.entries((statefulSet.spec ?? {}) as object);
  return Object.fromEntries(fields.filter(([field]) => !CHANGEABLE_OF_STATEFUL_SET.includes(field)));
}

/** What the server itself wrote into an object is not what its author is judged by. */
function withoutServerFields({ status: _, ...object }: KubernetesObject): KubernetesObject {
  return object as KubernetesObject;
}
