import type { ServerOptions } from "@grpc/grpc-js";

/** What one peer, and all of them together, may take of an API server. */
export interface ServerLimits {
  /** Of messages; what comes compressed counts unpacked. A member's report and a part of a snapshot are far below. */
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  /** Calls of one connection at a time: a member has two, a person's tools a few. */
  readonly maxCalls: number;
  /** Beyond them new ones are closed at once. The share of one address leaves room for the others. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** From accept to the peer's first HTTP/2 settings. */
  readonly openingTimeoutMs: number;
  /** A connection without a call ends then. */
  readonly idleTimeoutMs: number;
  /** How long a client that has its answer may take to end its side of the call. */
  readonly lingerMs: number;
  /** Pings of a connection in a row, and then each second. Keepalive needs one in 10 s, clients that probe the bandwidth some more. */
  readonly pingBurst: number;
  readonly pingRate: number;
  /** Calls of one address without a token or with a wrong one, in a row, and then each second. */
  readonly strangerBurst: number;
  readonly strangerRate: number;
  /** Of calls that ask for no token (health, reflection): how many may go on, what one may send, and what all together. */
  readonly openCalls: number;
  readonly openCallBytes: number;
  readonly openCallsBytes: number;
}

export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  maxRequestBytes: 4 * 1024 * 1024,
  maxResponseBytes: 64 * 1024 * 1024,
  maxCalls: 128,
  maxConnections: 2_048,
  maxConnectionsPerAddress: 512,
  openingTimeoutMs: 10_000,
  idleTimeoutMs: 5 * 60_000,
  lingerMs: 250,
  pingBurst: 200,
  pingRate: 10,
  strangerBurst: 200,
  strangerRate: 10,
  openCalls: 256,
  openCallBytes: 64 * 1024,
  openCallsBytes: 8 * 1024 * 1024,
};

/** Which limit a connection or call broke. */
export type BrokenLimit = "connections" | "opening" | "pings" | "refusals" | "open-calls";

/** The limits that grpc-js itself keeps. */
export function limitOptions(limits: ServerLimits): ServerOptions {
  return {
    "grpc.max_receive_message_length": limits.maxRequestBytes,
    "grpc.max_send_message_length": limits.maxResponseBytes,
    "grpc.max_concurrent_streams": limits.maxCalls,
    "grpc.max_connection_idle_ms": limits.idleTimeoutMs,
  };
}
