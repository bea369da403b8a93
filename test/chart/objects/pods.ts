import { at, type KubernetesObject, nameOf } from "./object.ts";

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
  readonly hostPort?: number;
}

export interface Probe {
  readonly httpGet?: { readonly path?: string; readonly port: string | number };
  readonly exec?: { readonly command: readonly string[] };
  readonly tcpSocket?: unknown;
  readonly grpc?: unknown;
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: object;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports?: readonly ContainerPort[];
  readonly env?: readonly EnvironmentVariable[];
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly subPath?: string;
    readonly readOnly?: boolean;
  }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly resources?: { readonly requests?: object; readonly limits?: object };
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
}

export interface Volume {
  readonly name: string;
  readonly secret?: {
    readonly secretName: string;
    readonly items?: readonly KeyToPath[];
    readonly defaultMode?: number;
    readonly optional?: boolean;
  };
  readonly configMap?: { readonly name: string; readonly items?: readonly KeyToPath[]; readonly optional?: boolean };
  readonly projected?: { readonly sources: readonly ProjectedSource[] };
  readonly [kind: string]: unknown;
}

export interface KeyToPath {
  readonly key: string;
  readonly path: string;
}

export interface ProjectedSource {
  readonly secret?: { readonly name: string; readonly items?: readonly KeyToPath[]; readonly optional?: boolean };
  readonly configMap?: { readonly name: string; readonly items?: readonly KeyToPath[]; readonly optional?: boolean };
}

/** The specification of a pod, and whose pods they are. */
export interface Pod {
  /** "Deployment fleet-gateway", for messages. */
  readonly owner: string;
  readonly object: KubernetesObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly containers: readonly Container[];
  readonly initContainers: readonly Container[];
  readonly volumes: readonly Volume[];
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Every kind of pod that these objects make, one each. */
export function podsOf(objects: readonly KubernetesObject[]): Pod[] {
  return objects.flatMap((object) => {
    const template = templateOf(object);
    if (template === undefined) return [];
    const spec = template.spec as Record<string, unknown>;
    return [
      {
        owner: nameOf(object),
        object,
        labels: (at(template, "metadata", "labels") ?? {}) as Pod["labels"],
        annotations: (at(template, "metadata", "annotations") ?? {}) as Pod["annotations"],
        containers: (spec.containers ?? []) as Container[],
        initContainers: (spec.initContainers ?? []) as Container[],
        volumes: claimsOf(object).concat((spec.volumes ?? []) as Volume[]),
        spec,
      },
    ];
  });
}

/** The pods that live as long as the release: not those of jobs and hooks. */
export function workloadsOf(objects: readonly KubernetesObject[]): Pod[] {
  return podsOf(objects).filter(({ object }) => ["Deployment", "DaemonSet", "StatefulSet"].includes(object.kind));
}

/** "Deployment fleet-gateway, container gateway", for messages. */
export function describeContainer(pod: Pod, container: Container): string {
  return `${pod.owner}, container ${container.name}`;
}

/** The name of an image without registry, tag and digest: "gateway" of "ghcr.io/shadowfleet/gateway:0.1.0". */
export function imageName(image: string): string {
  return image
    .replace(/@.*$/, "")
    .replace(/:[^/]*$/, "")
    .replace(/^.*\//, "");
}

function templateOf(object: KubernetesObject): Record<string, unknown> | undefined {
  switch (object.kind) {
    case "Pod":
      return object;
    case "Deployment":
    case "DaemonSet":
    case "StatefulSet":
    case "Job":
      return at(object, "spec", "template") as Record<string, unknown>;
    case "CronJob":
      return at(object, "spec", "jobTemplate", "spec", "template") as Record<string, unknown>;
    default:
      return undefined;
  }
}

/** A StatefulSet's claims are volumes of its pods by the same name. */
function claimsOf(object: KubernetesObject): Volume[] {
  const claims = (at(object, "spec", "volumeClaimTemplates") ?? []) as readonly KubernetesObject[];
  return claims.map(({ metadata }) => ({ name: metadata.name, persistentVolumeClaim: { claimName: metadata.name } }));
}
