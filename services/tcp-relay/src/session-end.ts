import type { AccessKey } from "@shadowfleet/relay";
import { type Attributes, type ErrorCode, errorEntry, type Logger, type Metrics } from "@shadowfleet/runtime";

/** The end of any client connection, for log and metrics. */
export interface ConnectionEnd {
  readonly port: number;
  readonly code: "OK" | ErrorCode;
  readonly durationMs: number;
  /** Undefined for a stranger. */
  readonly key: AccessKey | undefined;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly client: string;
  /** "host:port" as the client asked for it. */
  readonly target: string | undefined;
}

/** Attribute sets by code, made once: a new object for every connection would be garbage. */
const outcomes = new Map<string, Attributes>();
const errorTypes = new Map<string, Attributes>();
const TCP: Attributes = { "network.transport": "tcp" };

export function countConnection(metrics: Metrics, end: ConnectionEnd): void {
  let outcome = outcomes.get(end.code);
  if (!outcome) {
    outcome = { "network.transport": "tcp", outcome: end.code };
    outcomes.set(end.code, outcome);
  }
  metrics.add("shadowsocks.connections", 1, outcome);
  metrics.record("shadowsocks.connection.duration.seconds", end.durationMs / 1000, TCP);
}

/** The `error.type` attribute of a code; OK included, for the dial histogram. */
export function errorType(code: "OK" | ErrorCode): Attributes {
  let attributes = errorTypes.get(code);
  if (!attributes) {
    attributes = { "error.type": code };
    errorTypes.set(code, attributes);
  }
  return attributes;
}

/**
 * One line a connection. Whoever held a key is at least `info`; what strangers cause stays at the level of its code, `debug`. Client address
 * and target are personal data: only in debug logs.
 */
export function logConnection(logger: Logger, end: ConnectionEnd): void {
  const own = end.code === "OK" ? "info" : errorEntry(end.code).level;
  const level = end.key && own === "debug" ? "info" : own;
  if (!logger.isLevelEnabled(level)) return;
  const { port, code, durationMs } = end;
  const traffic = end.key ? { keyId: end.key.id, bytesUp: end.bytesUp, bytesDown: end.bytesDown } : undefined;
  const peers = logger.isLevelEnabled("debug") ? { client: end.client, target: end.target } : undefined;
  logger[level](
    { code, port, ...traffic, durationMs: Math.round(durationMs), ...peers },
    end.key ? "session ended" : "connection without a key ended",
  );
}
