import { type ErrorCode, errorEntry, type Logger } from "@shadowfleet/runtime";
import type { Connection } from "@shadowfleet/transport";
import { formatHostPort } from "@shadowfleet/wire";
import type { FrontDoor, ProxyRequest } from "../front/front-door.ts";

/** What is known when a client connection is over. */
export interface SessionEnd {
  /** Undefined when the client never said enough to tell. */
  readonly protocol: FrontDoor["protocol"] | undefined;
  /** "udp" for an association, whose datagrams are counted here, under its control connection. */
  readonly transport: "tcp" | "udp";
  readonly user: string | undefined;
  /** The upstream that served it; undefined when none did. */
  readonly upstreamId: string | undefined;
  readonly code: "OK" | ErrorCode;
  /** Since accept. */
  readonly durationMs: number;
  /** Payload bytes. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** What only debug logs tell: which connection it was, and, personal data, who was at both ends. */
export interface SessionDetails {
  /** Unique in the process. */
  readonly number: number;
  readonly client: Connection;
  readonly request: ProxyRequest | undefined;
}

/** One line a client connection: `info` when an upstream served it, else at the level of its code. */
export function logSession(logger: Logger, end: SessionEnd, details: SessionDetails): void {
  const own = end.code === "OK" ? "info" : errorEntry(end.code).level;
  const level = end.upstreamId !== undefined && own === "debug" ? "info" : own;
  if (!logger.isLevelEnabled(level)) return;
  const { protocol, transport, user, upstreamId: upstream, code, bytesUp, bytesDown } = end;
  const durationMs = Math.round(end.durationMs);
  const more = logger.isLevelEnabled("debug") ? describe(details) : undefined;
  logger[level]({ code, protocol, transport, user, upstream, durationMs, bytesUp, bytesDown, ...more }, "session ended");
}

function describe({ number, client, request }: SessionDetails) {
  return {
    sessionId: `gateway-${number}`,
    client: `${client.remoteHost} ${client.remotePort}`,
    /** As the client asked for it. */
    target: request?.command === "connect" ? formatHostPort(request.target) : undefined,
  };
}
