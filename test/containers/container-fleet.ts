import assert from "node:assert/strict";
import { join } from "node:path";
import { CreateUpstreamRequest } from "@shadowfleet/control-api";
import { runProgram, type SocksEndpoint, serviceImage } from "@shadowfleet/testkit";
import { Api } from "../fleet/api.ts";
import type { LoadedFleet } from "../traffic/loaded-fleet.ts";
import { Crew } from "./crew.ts";
import { openEngine } from "./engine.ts";
import type { FleetContainer } from "./fleet-container.ts";
import { FleetFolder } from "./fleet-folder.ts";
import { createNetworks, type FleetNetworks } from "./networks.ts";
import { type DrainTimes, MANAGEMENT_PORT, PROXY_PORTS, type ServiceName } from "./service-configs.ts";
import { TargetContainer } from "./target-container.ts";

const CLI = join(import.meta.dirname, "../../services/cli/src/main.ts");
const CLI_DEADLINE_MS = 30_000;
/** The access key of the gateway. */
export const GATEWAY_KEY = "gateway";
export const TCP_RELAYS = ["tcp-relay-1", "tcp-relay-2"] as const;
export const UDP_RELAY = "udp-relay-1";
export const GATEWAY = "gateway-1";
export const MANAGEMENTS = ["management-1", "management-2"] as const;

/** Of these sources; built where they are not there yet. */
async function makeImages(): Promise<Record<ServiceName, string>> {
  return {
    management: await serviceImage("management"),
    gateway: await serviceImage("gateway"),
    "tcp-relay": await serviceImage("tcp-relay"),
    "udp-relay": await serviceImage("udp-relay"),
  };
}

/**
 * Containers as compose and the chart run them, on networks of their own: Redis, two managements, two tcp-relays, a udp-relay, a gateway, a target. From
 * outside 127.0.0.1 reaches the gateway's and the managements' ports, nothing else of it.
 */
export class ContainerFleet implements LoadedFleet, AsyncDisposable {
  readonly crew: Crew;
  readonly networks: FleetNetworks;
  readonly target: TargetContainer;
  readonly upstreamIds = TCP_RELAYS;
  readonly #folder: FleetFolder;
  readonly #resources: AsyncDisposableStack;
  #api: Api | undefined;

  private constructor(crew: Crew, networks: FleetNetworks, target: TargetContainer, folder: FleetFolder, resources: AsyncDisposableStack) {
    this.crew = crew;
    this.networks = networks;
    this.target = target;
    this.#folder = folder;
    this.#resources = resources;
  }

  /** All of it ready, the gateway's key created by the command line from outside and both relays its upstreams. */
  static async start(drain: DrainTimes): Promise<ContainerFleet> {
    const images = await makeImages();
    const client = await openEngine();
    await using resources = new AsyncDisposableStack();
    const folder = resources.use(await FleetFolder.create());
    const networks = resources.use(await createNetworks(client));
    const crew = resources.use(new Crew({ client, folder, images, networks, drain }));
    const target = await TargetContainer.create(client, networks.targets);
    resources.defer(() => target.container.remove());
    await Promise.all([crew.addRedis(), ...MANAGEMENTS.map((name) => crew.addManagement(name))]);
    const fleet = new ContainerFleet(crew, networks, target, folder, resources.move());
    try {
      const relays = [...TCP_RELAYS.map((name) => crew.addRelay("tcp-relay", name)), crew.addRelay("udp-relay", UDP_RELAY)];
      await Promise.all([fleet.#configure(), ...relays, crew.addGateway(GATEWAY)]);
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #configure(): Promise<void> {
    const { accessUri } = (await this.cli("key", "create", GATEWAY_KEY)) as { readonly accessUri: string };
    for (const relay of TCP_RELAYS) {
      const upstream = { id: relay, udpHost: UDP_RELAY };
      const request = CreateUpstreamRequest.fromPartial({ upstream, accessUri: accessUri.replace("@relay.example:", `@${relay}:`) });
      await this.api.call(this.api.clients.upstreams, this.api.clients.upstreams.createUpstream, request);
    }
  }

  get gateway(): FleetContainer {
    return this.crew.get(GATEWAY);
  }

  /** The gateway's SOCKS5 port on this machine. Another one after each start of its container. */
  get proxy(): SocksEndpoint {
    return { host: "127.0.0.1", port: this.gateway.port(PROXY_PORTS.tcp) };
  }

  get udpProxy(): SocksEndpoint {
    return { host: "127.0.0.1", port: this.gateway.port(PROXY_PORTS.udp) };
  }

  /** The second management: the first one is what tests kill. */
  get api(): Api {
    this.#api ??= new Api(this.#managementPort, {
      tls: { caFile: this.#folder.secretFile("ca.crt"), certFile: undefined, keyFile: undefined, serverName: undefined },
      tokenFile: this.#folder.secretFile("admin.token"),
    });
    return this.#api;
  }

  /** Runs the shadowfleet command on this machine; its JSON output. */
  async cli(...args: readonly string[]): Promise<unknown> {
    const access = ["--ca", this.#folder.secretFile("ca.crt"), "--token-file", this.#folder.secretFile("admin.token")];
    const command = [CLI, ...args, "--output", "json", "--server", `127.0.0.1:${this.#managementPort}`, ...access];
    const result = await runProgram(process.execPath, command, { deadlineMs: CLI_DEADLINE_MS });
    assert.equal(result.code, 0, `shadowfleet ${args.join(" ")}: ${result.stderr}${result.stdout}`);
    const text = result.stdout.toString();
    return text.trim() === "" ? undefined : JSON.parse(text);
  }

  /** Ids of members with their number of live sessions now. */
  async sessionCounts(): Promise<ReadonlyMap<string, number>> {
    const { fleet } = this.api.clients;
    const { members } = await this.api.call(fleet, fleet.getFleet, {});
    return new Map(members.map(({ id, sessionCount }) => [id, sessionCount]));
  }

  get #managementPort(): number {
    return this.crew.get(MANAGEMENTS[1]).port(MANAGEMENT_PORT);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#api?.close();
    await this.#resources.disposeAsync();
  }
}
