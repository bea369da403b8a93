import type { FleetNetworks } from "./networks.ts";

/** Where the secrets are mounted. */
export const SECRETS = "/run/secrets/shadowfleet";
const GRPC_PORT = 9190;
const RELAY_PORT = 8388;
const PROXY_PORT = 1080;
/** Ports of containers as the engine writes them. */
export const MANAGEMENT_PORT = `${GRPC_PORT}/tcp`;
export const PROXY_PORTS = { tcp: `${PROXY_PORT}/tcp`, udp: `${PROXY_PORT}/udp` } as const;
export const ADMIN_PORTS = { management: 9104, "tcp-relay": 9101, "udp-relay": 9102, gateway: 9103 } as const;
export type ServiceName = keyof typeof ADMIN_PORTS;

export interface DrainTimes {
  /** Not ready any more, still accepting. */
  readonly delayS: number;
  /** Live sessions go on for so long after that. */
  readonly timeoutS: number;
}

const MANAGEMENTS = ["management-1", "management-2"];
const admin = { host: "0.0.0.0" };
const store = { type: "redis", url: "redis://redis:6379", passwordFile: `${SECRETS}/redis-password` };

const drain = ({ delayS, timeoutS }: DrainTimes): object => ({ drainDelay: `${delayS}s`, drainTimeout: `${timeoutS}s` });

const membership = (memberId: string): object => ({
  management: {
    addresses: MANAGEMENTS.map((name) => `${name}:${GRPC_PORT}`),
    tls: { caFile: `${SECRETS}/ca.crt` },
    tokenFile: `${SECRETS}/member.token`,
  },
  store,
  memberId,
});

export const managementConfig = (): object => ({
  grpc: {
    host: "0.0.0.0",
    port: GRPC_PORT,
    tls: { certFile: `${SECRETS}/tls.crt`, keyFile: `${SECRETS}/tls.key` },
    tokens: ["admin", "viewer", "member"].map((name) => ({
      name,
      role: name === "member" ? "relay" : name,
      tokenFile: `${SECRETS}/${name}.token`,
    })),
  },
  store,
  publicHost: "relay.example",
  defaults: { port: RELAY_PORT },
  admin,
  drainTimeout: "5s",
});

/** Clients reach the network of the targets and nothing else that is private. */
export const relayConfig = (memberId: string, networks: FleetNetworks, times: DrainTimes): object => ({
  fleet: membership(memberId),
  targets: { allow: [networks.targets.subnet] },
  admin,
  ...drain(times),
});

export const gatewayConfig = (memberId: string, times: DrainTimes): object => ({
  listen: { host: "0.0.0.0", port: PROXY_PORT },
  fleet: membership(memberId),
  // Both relays carry load in every test.
  policy: "round-robin",
  admin,
  ...drain(times),
});
