import { type ContainerRuntimeClient, GenericContainer, StartupCheckStrategy, type StartupStatus } from "testcontainers";
import { suiteLabels } from "./engine.ts";
import type { FleetNetwork } from "./networks.ts";

const CREATE_DEADLINE_MS = 90_000;

export interface ContainerSpec {
  /** In messages, and how other containers call it. */
  readonly name: string;
  /** Default: the name. Two containers may share one, as pods behind a headless service do. */
  readonly alias?: string;
  readonly image: string;
  readonly networks: readonly FleetNetwork[];
  readonly command?: readonly string[];
  /** Read-only, host path to path inside. */
  readonly mounts?: readonly { readonly source: string; readonly target: string }[];
  /** Container ports reachable from 127.0.0.1, as "1080/tcp". */
  readonly publish?: readonly string[];
  /** Read-only root, no capabilities, no new privileges: how operators run the services. */
  readonly hardened?: boolean;
  /** `/readyz` or the like on a published port, asked after each start. Default: ready once it runs. */
  readonly ready?: { readonly port: string; readonly path: string };
}

/** The library would wait after the first start only, and by means that need a shell or the image's health check: `FleetContainer` asks itself. */
class Running extends StartupCheckStrategy {
  override async checkStartupState(): Promise<StartupStatus> {
    return "SUCCESS";
  }
}

/** The library's description of such a container. */
export class SpecContainer extends GenericContainer {
  readonly #spec: ContainerSpec;
  readonly #client: ContainerRuntimeClient;

  constructor(client: ContainerRuntimeClient, spec: ContainerSpec) {
    super(spec.image);
    this.#client = client;
    this.#spec = spec;
    const { name, alias = name, networks, command, mounts = [], publish = [], hardened = false } = spec;
    this.withLabels({ ...suiteLabels })
      .withHostname(name)
      .withStartupTimeout(CREATE_DEADLINE_MS)
      .withWaitStrategy(new Running());
    // The library's aliases would leave the container on the engine's default network as well.
    this.withNetworkMode(networks[0]!.name);
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [networks[0]!.name]: { Aliases: [alias] } } };
    this.withBindMounts(mounts.map((mount) => ({ ...mount, mode: "ro" as const })));
    if (command) this.withCommand([...command]);
    // A health check starts a program in every container every few seconds, and one that is just starting keeps a container from being frozen.
    this.createOpts.Healthcheck = { Test: ["NONE"] };
    this.createOpts.ExposedPorts = Object.fromEntries(publish.map((port) => [port, {}]));
    this.hostConfig.PortBindings = Object.fromEntries(publish.map((port) => [port, [{ HostIp: "127.0.0.1", HostPort: "" }]]));
    if (hardened) {
      this.hostConfig.ReadonlyRootfs = true;
      this.withDroppedCapabilities("ALL").withSecurityOpt("no-new-privileges");
    }
  }

  protected override async containerCreated(id: string): Promise<void> {
    const { name, alias = name, networks } = this.#spec;
    const container = this.#client.container.getById(id);
    for (const network of networks.slice(1))
      await this.#client.container.connectToNetwork(container, this.#client.network.getById(network.name), [alias]);
  }
}
