import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { at, type KubernetesObject } from "./object.ts";
import type { Container, KeyToPath, Pod, Volume } from "./pods.ts";

/** A file that a container sees, and where its content is. */
export interface MountedFile {
  /** In the container: "/run/secrets/shadowfleet/ca.crt". */
  readonly path: string;
  readonly kind: "Secret" | "ConfigMap";
  readonly object: string;
  readonly key: string;
  /** Undefined where the object is not one of these objects: the operator brings it. */
  readonly content: string | undefined;
}

interface Source {
  readonly kind: MountedFile["kind"];
  readonly name: string;
  readonly items: readonly KeyToPath[] | undefined;
}

/** The files of Secrets and ConfigMaps that a container sees. Throws when it asks one of these objects for a key that it does not have. */
export function filesOf(pod: Pod, container: Container, objects: readonly KubernetesObject[]): MountedFile[] {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath }) => {
    const volume = pod.volumes.find((candidate) => candidate.name === name);
    const sources = volume === undefined ? [] : sourcesOf(volume);
    const files = sources.flatMap((source) => filesOfSource(source, objects));
    if (subPath !== undefined) return files.filter(({ path }) => path === subPath).map((file) => ({ ...file, path: mountPath }));
    return files.map((file) => ({ ...file, path: join(mountPath, file.path) }));
  });
}

function sourcesOf({ secret, configMap, projected }: Volume): Source[] {
  const parts = [{ secret: secret && { name: secret.secretName, items: secret.items }, configMap }, ...(projected?.sources ?? [])];
  return parts.flatMap((part): Source[] => [
    ...(part.secret ? [{ kind: "Secret" as const, name: part.secret.name, items: part.secret.items }] : []),
    ...(part.configMap ? [{ kind: "ConfigMap" as const, name: part.configMap.name, items: part.configMap.items }] : []),
  ]);
}

function filesOfSource({ kind, name, items }: Source, objects: readonly KubernetesObject[]): MountedFile[] {
  const object = objects.find((candidate) => candidate.kind === kind && candidate.metadata.name === name);
  const data = object === undefined ? undefined : dataOf(object);
  const wanted = items ?? Object.keys(data ?? {}).map((key) => ({ key, path: key }));
  return wanted.map(({ key, path }) => {
    const content = data?.[key];
    if (data !== undefined && content === undefined) throw new Error(`${kind} ${name} has no ${key}`);
    return { path, kind, object: name, key, content };
  });
}

/** What a Secret or ConfigMap says, decoded. */
export function dataOf(object: KubernetesObject): Record<string, string> {
  const decoded = Object.entries((object.data ?? {}) as Record<string, string>).map(([key, value]) => [
    key,
    object.kind === "Secret" ? Buffer.from(value, "base64").toString() : value,
  ]);
  return { ...Object.fromEntries(decoded), ...(at(object, "stringData") as Record<string, string> | undefined) };
}

/** Writes files below `folder` at their paths, with these paths, where they stand in the content, leading there. */
export async function layOut(files: readonly { readonly path: string; readonly content: string }[], folder: string): Promise<void> {
  const mounts = [...new Set(files.map(({ path }) => dirname(path)))];
  for (const { path, content } of files) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(
      place,
      mounts.reduce((text, mount) => text.replaceAll(`${mount}/`, `${join(folder, mount)}/`), content),
    );
  }
}
