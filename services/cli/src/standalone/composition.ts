import { createApp as createGateway, type GatewayApp, loadGatewayConfig } from "@shadowfleet/gateway";
import { createApp as createManagement, loadManagementConfig, type ManagementApp } from "@shadowfleet/management";
import { loadRelayConfig } from "@shadowfleet/relay";
import type { App, AppDeps } from "@shadowfleet/runtime";
import { MemoryFailCounts } from "@shadowfleet/store";
import { createApp as createTcpRelay } from "@shadowfleet/tcp-relay";
import { createApp as createUdpRelay } from "@shadowfleet/udp-relay";
import { formatAccessUri } from "@shadowfleet/wire";
import type { StandaloneConfig } from "./config.ts";
import { demoUri, newSecret } from "./demo-key.ts";
import { choosePort } from "./port-choice.ts";

const DEFAULT_GATEWAY_PORT = 1080;
const DEFAULT_RELAY_PORT = 8388;
const DEFAULT_MANAGEMENT_PORT = 9190;
const LOOPBACK_NETWORKS = ["127.0.0.0/8", "::1/128"];
const LOOPBACK_HOST = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

/** The four services of the standalone mode, wired to each other, not started yet. */
export interface Composition {
  readonly accessUri: string;
  /** Relays may reach loopback: only while clients can come from nowhere else. */
  readonly loopbackTargets: boolean;
  readonly gateway: GatewayApp;
  readonly management: ManagementApp;
  /** By name, relays first, so that nobody is offered a service whose backend is not there. */
  readonly apps: ReadonlyMap<string, App<never>>;
}

/** Chooses ports, makes the demo access key and builds the services around them. */
export async function compose(config: StandaloneConfig, deps: AppDeps): Promise<Composition> {
  const { relay, gateway, management } = config;
  const relayPort = relay.port ?? (await choosePort(relay.host, DEFAULT_RELAY_PORT));
  const gatewayPort = gateway.port ?? (await choosePort(gateway.host, DEFAULT_GATEWAY_PORT));
  const managementPort = management.port ?? (await choosePort("127.0.0.1", DEFAULT_MANAGEMENT_PORT));
  const secret = relay.secret ?? newSecret(relay.method);
  const accessUri = formatAccessUri(demoUri(relay.method, secret, relay.host, relayPort));
  const loopbackTargets = LOOPBACK_HOST.test(relay.host);

  const relayConfig = loadRelayConfig({
    name: "standalone",
    data: {
      ports: [{ host: relay.host, port: relayPort, method: relay.method, keys: [{ id: "demo", name: "Demo", secret }] }],
      targets: { allow: loopbackTargets ? LOOPBACK_NETWORKS : [] },
    },
  });
  const gatewayConfig = loadGatewayConfig({
    name: "standalone",
    data: { listen: { host: gateway.host, port: gatewayPort }, upstreams: [accessUri] },
  });
  const managementConfig = loadManagementConfig({ name: "standalone", data: { grpc: { port: managementPort } } });

  const depsOf = (service: string): AppDeps => ({ ...deps, logger: deps.logger.child({ service }) });
  const gatewayApp = createGateway(gatewayConfig, { ...depsOf("gateway"), failCounts: new MemoryFailCounts() });
  const managementApp = createManagement(managementConfig, depsOf("management"));
  const apps = new Map<string, App<never>>([
    ["tcp-relay", createTcpRelay(relayConfig, depsOf("tcp-relay"))],
    ["udp-relay", createUdpRelay(relayConfig, depsOf("udp-relay"))],
    ["management", managementApp],
    ["gateway", gatewayApp],
  ]);
  return { accessUri, loopbackTargets, gateway: gatewayApp, management: managementApp, apps };
}
