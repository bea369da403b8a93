import { createApp as createGateway, type GatewayApp, loadGatewayConfig } from "@shadowfleet/gateway";
import { createApp as createManagement, loadManagementConfig } from "@shadowfleet/management";
import { loadRelayConfig } from "@shadowfleet/relay";
import type { App, AppDeps } from "@shadowfleet/runtime";
import { type FleetStore, SharedFailCounts } from "@shadowfleet/store";
import { createApp as createTcpRelay } from "@shadowfleet/tcp-relay";
import { createApp as createUdpRelay } from "@shadowfleet/udp-relay";
import type { StandaloneConfig } from "./config.ts";
import { provideDemoKey, reachableHost } from "./demo-key.ts";
import { choosePort } from "./port-choice.ts";
import { openStandaloneStore, provideLinkSecret } from "./state-file.ts";

const DEFAULT_GATEWAY_PORT = 1080;
const DEFAULT_MANAGEMENT_PORT = 9190;
const DEFAULT_HTTP_PORT = 9191;
const LOOPBACK_NETWORKS = ["127.0.0.0/8", "::1/128"];
const LOOPBACK_HOST = /^(127(\.\d{1,3}){3}|::1|localhost)$/;
const SOURCE = "standalone";

/** The four services in one process, coordinated as they are in a fleet: gRPC on loopback and one store. */
export class Composition {
  readonly accessUri: string;
  /** Relays may reach loopback: only while clients can come from nowhere else. */
  readonly loopbackTargets: boolean;
  readonly gateway: GatewayApp;
  /** By name. */
  readonly apps: ReadonlyMap<string, App<never>>;
  readonly managementPort: number;
  /** 0 where HTTP is off. */
  readonly httpPort: number;
  readonly #store: FleetStore;
  readonly #failCounts: SharedFailCounts;

  private constructor(parts: Omit<Composition, "drain"> & { readonly store: FleetStore; readonly failCounts: SharedFailCounts }) {
    this.accessUri = parts.accessUri;
    this.loopbackTargets = parts.loopbackTargets;
    this.gateway = parts.gateway;
    this.apps = parts.apps;
    this.managementPort = parts.managementPort;
    this.httpPort = parts.httpPort;
    this.#store = parts.store;
    this.#failCounts = parts.failCounts;
  }

  /** Starts them in the order they need each other: management, the demo access key, the relays, the gateway. */
  static async start(config: StandaloneConfig, deps: AppDeps): Promise<Composition> {
    const { relay, gateway, management } = config;
    const depsOf = (service: string): AppDeps => ({ ...deps, logger: deps.logger.child({ service }) });
    const store = openStandaloneStore(config.store, deps.logger);
    const managementPort = management.port ?? (await choosePort("127.0.0.1", DEFAULT_MANAGEMENT_PORT));
    const httpPort = management.http.port ?? (await choosePort("127.0.0.1", DEFAULT_HTTP_PORT));
    const managementApp = createManagement(managementConfig(config, managementPort, httpPort), { ...depsOf("management"), store });
    await managementApp.start();
    const accessUri = await provideDemoKey({ relay, managementPort, store, logger: deps.logger });

    const loopbackTargets = LOOPBACK_HOST.test(relay.host);
    const targets = { allow: loopbackTargets ? LOOPBACK_NETWORKS : [] };
    const relayConfig = (memberId: string) =>
      loadRelayConfig({ name: SOURCE, data: { fleet: { ...membership(managementPort), memberId }, targets } });
    const tcpRelay = createTcpRelay(relayConfig("tcp-relay"), { ...depsOf("tcp-relay"), store });
    const udpRelay = createUdpRelay(relayConfig("udp-relay"), { ...depsOf("udp-relay"), store });
    const failCounts = new SharedFailCounts({ store });
    const gatewayPort = gateway.port ?? (await choosePort(gateway.host, DEFAULT_GATEWAY_PORT));
    const gatewayConfig = loadGatewayConfig({
      name: SOURCE,
      data: { listen: { host: gateway.host, port: gatewayPort }, upstreams: [accessUri] },
    });
    const gatewayApp = createGateway(gatewayConfig, { ...depsOf("gateway"), failCounts });
    for (const app of [tcpRelay, udpRelay, gatewayApp]) await app.start();

    const apps = new Map<string, App<never>>([
      ["tcp-relay", tcpRelay],
      ["udp-relay", udpRelay],
      ["management", managementApp],
      ["gateway", gatewayApp],
    ]);
    return new Composition({
      accessUri,
      loopbackTargets,
      gateway: gatewayApp,
      apps,
      managementPort,
      httpPort: managementApp.address.httpPort,
      store,
      failCounts,
    });
  }

  /** Gateway and relays first, so that their last counts still find the store; management and the store after them. */
  async drain(deadlineMs: number): Promise<void> {
    const [management, ...others] = ["management", "gateway", "tcp-relay", "udp-relay"].flatMap((name) => this.apps.get(name) ?? []);
    await Promise.all(others.map((app) => app.drain(deadlineMs)));
    await management?.drain(deadlineMs);
    await this.#failCounts.close();
    await this.#store.close();
  }
}

/** Every process gets the store handed over; the configuration only has to name one. */
const membership = (managementPort: number) => ({
  management: { address: `127.0.0.1:${managementPort}`, insecure: true },
  store: { type: "memory" },
});

function managementConfig(
  { relay, management, store }: StandaloneConfig,
  port: number,
  httpPort: number,
): ReturnType<typeof loadManagementConfig> {
  const defaults = { method: relay.method, ...(relay.port === undefined ? {} : { port: relay.port }) };
  // Where keys outlive the process, links to their documents do too.
  const linkSecretFile = store === undefined ? provideLinkSecret() : undefined;
  const http = { enabled: management.http.enabled, port: httpPort, ...(linkSecretFile !== undefined && { linkSecretFile }) };
  return loadManagementConfig({ name: SOURCE, data: { grpc: { port }, http, publicHost: reachableHost(relay.host), defaults } });
}
