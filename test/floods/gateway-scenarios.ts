import { freePort } from "@shadowfleet/testkit";
import { METHOD, secretOf, startFlooded } from "./flooded-service.ts";
import { type FloodReport, runScenario, type Scale } from "./scenario.ts";
import { gatewayClients } from "./tcp-clients.ts";
import type { FloodedRelay } from "./tcp-scenarios.ts";

export interface GatewayFloodOptions {
  readonly name: string;
  readonly perSecond: number;
  readonly limits?: Readonly<Record<string, number>>;
}

/** Connections that never ask for anything, against the gateway's door. */
export async function floodGateway(
  { name, perSecond, limits = {} }: GatewayFloodOptions,
  { relay, target }: FloodedRelay,
  scale: Scale,
): Promise<FloodReport> {
  const port = await freePort();
  const upstreams = [{ host: "127.0.0.1", port: relay.port, method: METHOD, secret: secretOf(77) }];
  await using gateway = await startFlooded("gateway", port, { listen: { port }, upstreams, limits });
  const group = gatewayClients("an app of the gateway", { host: "127.0.0.1", port }, target);
  return await runScenario({
    name,
    service: gateway,
    flood: {
      kind: "silent-connections",
      sources: ["127.0.0.1"],
      perSecond,
      maxOpen: 6_000,
      method: METHOD,
      secret: secretOf(1),
      seed: 1,
    },
    groups: () => [group],
    perSecond: 50,
    ...scale,
    held: () => gateway.total("shadowsocks_connections_active"),
    outcomes: { series: "shadowsocks_handshake_failures_total", label: "error_type", codes: ["HANDSHAKE_TIMEOUT", "HANDSHAKE_LIMIT"] },
    goneWithinMs: 20_000,
  });
}
