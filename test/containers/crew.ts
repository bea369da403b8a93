import type { ContainerRuntimeClient } from "testcontainers";
import { REDIS_IMAGE } from "./engine.ts";
import { FleetContainer } from "./fleet-container.ts";
import type { FleetFolder } from "./fleet-folder.ts";
import type { FleetNetworks } from "./networks.ts";
import {
  ADMIN_PORTS,
  type DrainTimes,
  gatewayConfig,
  MANAGEMENT_PORT,
  managementConfig,
  PROXY_PORTS,
  relayConfig,
  SECRETS,
  type ServiceName,
} from "./service-configs.ts";

export interface CrewOptions {
  readonly client: ContainerRuntimeClient;
  readonly folder: FleetFolder;
  readonly images: Readonly<Record<ServiceName, string>>;
  readonly networks: FleetNetworks;
  /** Of relays and gateways. */
  readonly drain: DrainTimes;
}

/** The containers of a fleet that are its own: Redis and the services, each by its name. */
export class Crew implements AsyncDisposable {
  readonly #options: CrewOptions;
  readonly #containers = new Map<string, FleetContainer>();
  readonly #creations: Promise<FleetContainer>[] = [];

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  /** Throws when there is none of this name. */
  get(name: string): FleetContainer {
    const container = this.#containers.get(name);
    if (!container) throw new Error(`the fleet has no ${name}`);
    return container;
  }

  addRedis(): Promise<FleetContainer> {
    const { client, folder, networks } = this.#options;
    const password = folder.secret("redis-password");
    return this.#keep(
      FleetContainer.create(client, {
        name: "redis",
        image: REDIS_IMAGE,
        networks: [networks.control],
        command: ["redis-server", "--appendonly", "yes", "--appendfsync", "always", "--requirepass", password],
      }),
    );
  }

  addManagement(name: string): Promise<FleetContainer> {
    const { control, edge } = this.#options.networks;
    return this.#addService("management", name, managementConfig(), [edge, control], [MANAGEMENT_PORT]);
  }

  /** `alias`: what gateways call it, when that is not its name. */
  addRelay(service: "tcp-relay" | "udp-relay", name: string, alias = name): Promise<FleetContainer> {
    const { drain, networks } = this.#options;
    const { control, edge, targets } = networks;
    return this.#addService(service, name, relayConfig(name, networks, drain), [edge, control, targets], [], alias);
  }

  addGateway(name: string): Promise<FleetContainer> {
    const { drain, networks } = this.#options;
    const config = gatewayConfig(name, drain);
    return this.#addService("gateway", name, config, [networks.edge, networks.control], Object.values(PROXY_PORTS));
  }

  /** All at once, whatever their state; also those that are still coming up because another one failed to. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#creations);
    await Promise.all([...this.#containers.values()].map((container) => container.remove()));
  }

  #addService(
    service: ServiceName,
    name: string,
    config: object,
    networks: readonly FleetNetworks["edge"][],
    publish: readonly string[],
    alias = name,
  ): Promise<FleetContainer> {
    const { client, folder, images } = this.#options;
    const admin = `${ADMIN_PORTS[service]}/tcp`;
    return this.#keep(
      FleetContainer.create(client, {
        name,
        alias,
        image: images[service],
        networks,
        mounts: [
          { source: folder.config(name, config), target: "/etc/shadowfleet/config.yaml" },
          { source: folder.secrets, target: SECRETS },
        ],
        publish: [...publish, admin],
        hardened: true,
        ready: { port: admin, path: "/readyz" },
      }),
    );
  }

  async #keep(creation: Promise<FleetContainer>): Promise<FleetContainer> {
    this.#creations.push(creation);
    const container = await creation;
    this.#containers.set(container.name, container);
    return container;
  }
}
