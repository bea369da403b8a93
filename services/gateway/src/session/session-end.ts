import { type Attributes, type ErrorCode, errorEntry, type Logger, type Metrics } from "@shadowfleet/runtime";
import type { FrontDoor } from "../front/front-door.ts";

/** What is known when a client connection is over. */
export interface SessionEnd {
  readonly sessionId: string;
  /** Undefined when the client never said enough to tell. */
  readonly protocol: FrontDoor["protocol"] | undefined;
  /** "udp" for an association, whose datagrams are counted here, under its control connection. */
  readonly transport: "tcp" | "udp";
  readonly user: string | undefined;
  /** The upstream that served it; undefined when none did. */
  readonly upstreamId: string | undefined;
  readonly code: "OK" | ErrorCode;
  /** Milliseconds since 1970, of accept. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Payload bytes. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Who was at both ends; personal data, so only for debug logs. */
export interface SessionPeers {
  readonly client: string;
  /** "host:port" as the client asked for it. */
  readonly target: string | undefined;
}

/** Attribute sets by transport and code, made once: a new object for every connection would be garbage. */
const outcomes = new Map<string, Attributes>();
const TRANSPORTS: Readonly<Record<SessionEnd["transport"], Attributes>> = {
  tcp: { "network.transport": "tcp" },
  udp: { "network.transport": "udp" },
};

export function countSession(metrics: Metrics, { transport, code, durationMs }: SessionEnd): void {
  const key = `${transport} ${code}`;
  let outcome = outcomes.get(key);
  if (!outcome) {
    outcome = { "network.transport": transport, outcome: code };
    outcomes.set(key, outcome);
  }
  metrics.add("shadowsocks.connections", 1, outcome);
  metrics.record("shadowsocks.connection.duration.seconds", durationMs / 1000, TRANSPORTS[transport]);
}

/** One line a client connection: `info` when an upstream served it, else at the level of its code. */
export function logSession(logger: Logger, end: SessionEnd, peers: SessionPeers): void {
  const own = end.code === "OK" ? "info" : errorEntry(end.code).level;
  const level = end.upstreamId !== undefined && own === "debug" ? "info" : own;
  if (!logger.isLevelEnabled(level)) return;
  const { sessionId, protocol, transport, user, upstreamId: upstream, code, bytesUp, bytesDown } = end;
  const durationMs = Math.round(end.durationMs);
  const details = logger.isLevelEnabled("debug") ? { sessionId, ...peers } : undefined;
  logger[level]({ code, protocol, transport, user, upstream, durationMs, bytesUp, bytesDown, ...details }, "session ended");
}
