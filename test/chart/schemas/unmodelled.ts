import { at, type KubernetesObject } from "../objects/object.ts";

/** What is wrong with an object of a kind for which no package has a schema. */
type Check = (object: KubernetesObject, all: readonly KubernetesObject[]) => string[];

/** Fields that a part of an object may have. */
function unknownFields(value: unknown, path: string, known: readonly string[]): string[] {
  return Object.keys((value ?? {}) as object).flatMap((field) => (known.includes(field) ? [] : [`${path}.${field} is unknown`]));
}

const SCALED_OBJECT_FIELDS = [
  "scaleTargetRef",
  "pollingInterval",
  "cooldownPeriod",
  "minReplicaCount",
  "maxReplicaCount",
  "advanced",
  "fallback",
  "triggers",
];

/** KEDA: what it scales is there, its bounds are bounds, and its triggers have text as metadata (numbers there are refused). */
function scaledObjectProblems(object: KubernetesObject, all: readonly KubernetesObject[]): string[] {
  const spec = object.spec as Record<string, unknown>;
  const problems = unknownFields(spec, "spec", SCALED_OBJECT_FIELDS);
  const target = at(spec, "scaleTargetRef") as { kind?: string; name?: string } | undefined;
  const kind = target?.kind ?? "Deployment";
  if (!all.some((other) => other.kind === kind && other.metadata.name === target?.name))
    problems.push(`scaleTargetRef ${kind} ${target?.name} does not exist`);
  const [least, most] = [spec.minReplicaCount, spec.maxReplicaCount];
  if (!(Number.isInteger(least) && Number.isInteger(most) && Number(least) <= Number(most)))
    problems.push(`replicas from ${least} to ${most}`);
  const triggers = (spec.triggers ?? []) as readonly Record<string, unknown>[];
  if (triggers.length === 0) problems.push("no triggers");
  for (const [index, trigger] of triggers.entries()) {
    problems.push(
      ...unknownFields(trigger, `triggers[${index}]`, ["type", "name", "metadata", "metricType", "authenticationRef", "useCachedMetrics"]),
    );
    if (typeof trigger.type !== "string") problems.push(`triggers[${index}].type is ${trigger.type}`);
    for (const [field, value] of Object.entries((trigger.metadata ?? {}) as object)) {
      if (typeof value !== "string") problems.push(`triggers[${index}].metadata.${field} is no text`);
    }
  }
  return problems;
}

const CERTIFICATE_FIELDS = [
  "secretName",
  "commonName",
  "dnsNames",
  "ipAddresses",
  "issuerRef",
  "duration",
  "renewBefore",
  "usages",
  "privateKey",
  "isCA",
  "subject",
];

/** cert-manager: a Secret that somebody mounts, names, and an issuer. */
function certificateProblems(object: KubernetesObject, all: readonly KubernetesObject[]): string[] {
  const spec = object.spec as Record<string, unknown>;
  const problems = unknownFields(spec, "spec", CERTIFICATE_FIELDS);
  if (typeof at(spec, "issuerRef", "name") !== "string") problems.push("issuerRef has no name");
  if (!((spec.dnsNames ?? []) as readonly string[]).some((name) => name.endsWith(".svc")))
    problems.push("dnsNames has no name of the Service");
  if (!JSON.stringify(all.filter(({ kind }) => kind === "Deployment")).includes(JSON.stringify(spec.secretName))) {
    problems.push(`Secret ${spec.secretName} is mounted nowhere`);
  }
  return problems;
}

/** Every kind the chart may make for which there is no schema to be had from npm. */
const CHECKS: Readonly<Record<string, Check>> = {
  "keda.sh/v1alpha1 ScaledObject": scaledObjectProblems,
  "cert-manager.io/v1 Certificate": certificateProblems,
};

export function isUnmodelled({ apiVersion, kind }: KubernetesObject): boolean {
  return `${apiVersion} ${kind}` in CHECKS;
}

export function unmodelledProblemsOf(object: KubernetesObject, all: readonly KubernetesObject[]): string[] {
  return CHECKS[`${object.apiVersion} ${object.kind}`]!(object, all);
}
