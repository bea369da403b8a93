import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Server, ServerCredentials, ServerOptions } from "@grpc/grpc-js";
import { neededRole } from "./access.ts";

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
  /** Pings in a row that a connection may send, and how many more each second. Keepalive needs one in 10 s, bandwidth probes some. */
  readonly pingBurst: number;
  readonly pingsPerSecond: number;
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
  pingBurst: 500,
  pingsPerSecond: 50,
  openCalls: 256,
  openCallBytes: 64 * 1024,
  openCallsBytes: 8 * 1024 * 1024,
};

/** Which limit a connection or call broke. */
export type BrokenLimit = "connections" | "opening" | "pings" | "open-calls";

/** The limits that grpc-js itself keeps. */
export function limitOptions(limits: ServerLimits): ServerOptions {
  return {
    "grpc.max_receive_message_length": limits.maxRequestBytes,
    "grpc.max_send_message_length": limits.maxResponseBytes,
    "grpc.max_concurrent_streams": limits.maxCalls,
    "grpc.max_connection_idle_ms": limits.idleTimeoutMs,
    // Keeps records of every connection for a service that nobody adds.
    "grpc.enable_channelz": 0,
  };
}

/** Applies the limits that grpc-js has no options for to every port the server binds from now on. */
export function guardConnections(server: Server, limits: ServerLimits, onBroken: (limit: BrokenLimit) => void): void {
  // There is no other way to its HTTP/2 server.
  const inside = server as unknown as { createHttp2Server(credentials: ServerCredentials): Http2Server };
  const create = inside.createHttp2Server.bind(server);
  inside.createHttp2Server = (credentials) => {
    const http2 = create(credentials);
    guardAccept(http2, limits, onBroken);
    http2.on("session", (session) => guardSession(session, limits, onBroken));
    // Before grpc-js's own listener, which pauses the stream until somebody reads.
    http2.prependListener("stream", streamGuard(limits, onBroken));
    return http2;
  };
}

function guardAccept(http2: Http2Server, limits: ServerLimits, onBroken: (limit: BrokenLimit) => void): void {
  const byAddress = new Map<string, number>();
  http2.maxConnections = limits.maxConnections;
  http2.on("drop", () => onBroken("connections"));
  http2.prependListener("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const count = (byAddress.get(address) ?? 0) + 1;
    byAddress.set(address, count);
    socket.once("close", () => {
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left === 0) byAddress.delete(address);
      else byAddress.set(address, left);
    });
    if (count <= limits.maxConnectionsPerAddress) return;
    onBroken("connections");
    socket.destroy();
  });
}

function guardSession(session: ServerHttp2Session, limits: ServerLimits, onBroken: (limit: BrokenLimit) => void): void {
  const opening = setTimeout(() => {
    onBroken("opening");
    session.destroy();
  }, limits.openingTimeoutMs);
  const opened = (): void => clearTimeout(opening);
  session.once("remoteSettings", opened).once("close", opened);
  let allowed = limits.pingBurst;
  let countedAt = performance.now();
  session.on("ping", () => {
    const now = performance.now();
    allowed = Math.min(limits.pingBurst, allowed + ((now - countedAt) / 1000) * limits.pingsPerSecond) - 1;
    countedAt = now;
    if (allowed >= 0 || session.destroyed) return;
    onBroken("pings");
    // The text is what gRPC clients know: they ping half as often from then on.
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from("too_many_pings"));
    session.destroy(new Error("too many pings"), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });
}

function streamGuard(limits: ServerLimits, onBroken: (limit: BrokenLimit) => void) {
  let callsOfAll = 0;
  let bytesOfAll = 0;
  return (stream: ServerHttp2Stream, headers: { readonly ":path"?: string }): void => {
    // An answered call whose client does not end it would count among the connection's calls for ever.
    stream.once("finish", () => {
      const linger = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), limits.lingerMs);
      stream.once("close", () => clearTimeout(linger));
    });
    if (neededRole(headers[":path"] ?? "") !== undefined) return;
    // Nobody is asked for a token here, and grpc-js keeps what has come of a message until the whole of it is there.
    let bytes = 0;
    const check = (isWithin: boolean): void => {
      if (isWithin || stream.closed) return;
      onBroken("open-calls");
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    };
    callsOfAll++;
    stream.once("close", () => {
      callsOfAll--;
      bytesOfAll -= bytes;
    });
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      bytesOfAll += chunk.length;
      check(bytes <= limits.openCallBytes && bytesOfAll <= limits.openCallsBytes);
    });
    check(callsOfAll <= limits.openCalls);
  };
}
