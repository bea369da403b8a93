import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatewayService } from "@shadowfleet/gateway";
import { managementService } from "@shadowfleet/management";
import { type CommonConfig, runService, type ServiceDefinition } from "@shadowfleet/runtime";
import { tcpRelayService } from "@shadowfleet/tcp-relay";
import { udpRelayService } from "@shadowfleet/udp-relay";
import { parse } from "yaml";
import { filesOf, layOut, type MountedFile } from "./container-files.ts";
import type { KubernetesObject } from "./object.ts";
import { type Container, imageName, type Pod } from "./pods.ts";

type AnyService = ServiceDefinition<CommonConfig>;

/** By the name of the image. */
const SERVICES: Readonly<Record<string, AnyService>> = {
  gateway: gatewayService as unknown as AnyService,
  "tcp-relay": tcpRelayService as unknown as AnyService,
  "udp-relay": udpRelayService as unknown as AnyService,
  management: managementService as unknown as AnyService,
};

/** What the real service says of the configuration that the chart gives it. */
export interface ConfigurationCheck {
  readonly exitCode: number;
  readonly stderr: string;
  /** The effective configuration it printed. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: readonly MountedFile[];
}

export function isService(container: Container): boolean {
  return imageName(container.image) in SERVICES;
}

/**
 * Runs the service of a container as the container would run, with `--check-config`, in this process: with its own arguments, and the files it mounts laid out
 * in a temporary folder. `standIn` makes the content of files that the operator's own Secrets bring.
 */
export async function checkConfiguration(
  pod: Pod,
  container: Container,
  objects: readonly KubernetesObject[],
  standIn: (file: MountedFile) => string,
): Promise<ConfigurationCheck> {
  const files = filesOf(pod, container, objects);
  const folder = await mkdtemp(join(tmpdir(), "shadowfleet-pod-"));
  try {
    await layOut(
      files.map((file) => ({ path: file.path, content: file.content ?? standIn(file) })),
      folder,
    );
    const args = (container.args ?? []).map((argument) =>
      files.some(({ path }) => path === argument) ? join(folder, argument) : argument,
    );
    const said: { exitCode: number; stdout: string; stderr: string } = { exitCode: -1, stdout: "", stderr: "" };
    await runService(SERVICES[imageName(container.image)]!, [...args, "--check-config"], {
      process: {
        on: () => {},
        off: () => {},
        exit: (code) => {
          said.exitCode = code;
        },
      },
      stdout: (text) => {
        said.stdout += text;
      },
      stderr: (text) => {
        said.stderr += text;
      },
    });
    const config = said.exitCode === 0 ? (parse(said.stdout) as ConfigurationCheck["config"]) : {};
    return { exitCode: said.exitCode, stderr: said.stderr.replaceAll(folder, ""), config, files };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
