import type { SocksEndpoint } from "@shadowfleet/testkit";
import { type FloodedService, METHOD, secretOf } from "./flooded-service.ts";
import type { FloodPlan } from "./generator/flood-plan.ts";
import type { HonestGroup } from "./honest-group.ts";
import { type FloodReport, runScenario, type Scale } from "./scenario.ts";
import { relayClients } from "./tcp-clients.ts";

export const FLOODER = "127.0.0.66";
const HONEST = "127.0.0.1";
const CODES = ["AUTH_FAILED", "TRIAL_LIMIT", "HANDSHAKE_TIMEOUT", "HANDSHAKE_LIMIT"];

/** So many addresses of a loopback /16 of its own. */
export const addresses = (count: number): string[] => Array.from({ length: count }, (_, n) => `127.66.${n >> 8}.${n & 255}`);

/** Who is measured: clients whose key the relay knows from their address, or ever new addresses with ever other keys. */
export type Honest = "known" | "newcomers";

export interface TcpFloodOptions {
  readonly name: string;
  readonly flood: Pick<FloodPlan, "kind" | "sources" | "perSecond" | "maxOpen">;
  readonly honest?: Honest;
}

/** A tcp-relay with one SIP004 port of 500 keys, and what its clients want to reach. */
export interface FloodedRelay {
  readonly relay: FloodedService;
  readonly target: SocksEndpoint;
  readonly handshakeMs: number;
}

export async function floodTcpRelay(
  options: TcpFloodOptions,
  { relay, target, handshakeMs }: FloodedRelay,
  scale: Scale,
): Promise<FloodReport> {
  const { name, flood, honest = "known" } = options;
  const client = (what: string, localAddress: (n: number) => string, key: (n: number) => number): HonestGroup =>
    relayClients({ name: what, port: relay.port, method: METHOD, target, localAddress, secret: (n) => secretOf(key(n)) });
  const known = [
    client(
      "another address",
      () => HONEST,
      () => 77,
    ),
  ];
  if (flood.kind === "wrong-handshakes")
    known.push(
      client(
        "the flood's address, its key known",
        () => flood.sources[0]!,
        () => 33,
      ),
    );
  for (const group of known) await group.ask(0);
  const newcomers = (phase: string): HonestGroup =>
    client(
      "ever new addresses and keys",
      (n) => `127.${phase === "quiet" ? 1 : 2}.${n >> 8}.${n & 255}`,
      (n) => n * 37,
    );
  return await runScenario({
    name,
    service: relay,
    flood: { ...flood, method: METHOD, secret: secretOf(1), seed: 1 },
    groups: (phase) => (honest === "known" ? known : [newcomers(phase)]),
    perSecond: honest === "known" ? 100 : 20,
    ...scale,
    held: () => relay.total("shadowsocks_strangers_active"),
    outcomes: { series: "shadowsocks_handshake_failures_total", label: "error_type", codes: CODES },
    goneWithinMs: handshakeMs + 10_000,
  });
}
