import { freePort, startUdpEchoTarget } from "@shadowfleet/testkit";
import { METHOD, secretOf, startRelay } from "./flooded-service.ts";
import type { FloodPlan } from "./generator/flood-plan.ts";
import { type FloodReport, runScenario, type Scale } from "./scenario.ts";
import { openAssociation } from "./udp-client.ts";

const FLOODER = "127.0.0.66";
const CODES = ["AUTH_FAILED", "TRIAL_LIMIT"];

export interface UdpFloodOptions {
  readonly name: string;
  readonly flood: Pick<FloodPlan, "kind" | "perSecond" | "maxOpen">;
  readonly limits?: Readonly<Record<string, number>>;
}

export interface UdpFloodReport extends FloodReport {
  /** UDP sessions that made room for others. */
  readonly displaced: number;
  /** Ports the honest client's datagrams reached the target from: one while its association is kept. */
  readonly honestPorts: number;
}

/** A flood from one address against a udp-relay with one SIP004 port of 500 keys; the honest client has another key and address. */
export async function floodUdpRelay({ name, flood, limits = {} }: UdpFloodOptions, scale: Scale): Promise<UdpFloodReport> {
  const port = await freePort();
  await using target = await startUdpEchoTarget();
  await using relay = await startRelay("udp-relay", port, { limits });
  const session = { port, method: METHOD, localAddress: "127.0.0.1", target };
  await using client = await openAssociation({ ...session, name: "another key and address", secret: secretOf(77) });
  await client.ask(0);
  const report = await runScenario({
    name,
    service: relay,
    flood: { ...flood, sources: [FLOODER], method: METHOD, secret: secretOf(1), seed: 1 },
    groups: () => [client],
    perSecond: 100,
    ...scale,
    held: () => relay.total("shadowsocks_udp_sessions_active"),
    outcomes: { series: "shadowsocks_udp_packets_total", label: "outcome", codes: CODES },
    goneWithinMs: 0,
  });
  const ports = new Set<number>();
  for (let left = target.receivedPackets; left > 0; left--) ports.add((await target.received()).port);
  const displaced = await relay.total("shadowsocks_connections_total", 'outcome="UDP_SESSION_LIMIT"');
  return { ...report, displaced, honestPorts: ports.size };
}
