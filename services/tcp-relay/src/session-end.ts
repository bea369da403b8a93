import type { AccessKey } from "@shadowfleet/relay";
import { type ErrorCode, errorEntry, type Logger } from "@shadowfleet/runtime";
import { formatHostPort, type TargetAddress } from "@shadowfleet/wire";

/** The end of any client connection, for the log. */
export interface ConnectionEnd {
  readonly port: number;
  readonly code: "OK" | ErrorCode;
  readonly durationMs: number;
  /** Undefined for a stranger. */
  readonly key: AccessKey | undefined;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly client: { readonly clientHost: string; readonly clientPort: number };
  /** As the client asked for it. */
  readonly target: TargetAddress | undefined;
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
  const peers = logger.isLevelEnabled("debug") ? peersOf(end) : undefined;
  logger[level](
    { code, port, ...traffic, durationMs: Math.round(durationMs), ...peers },
    end.key ? "session ended" : "connection without a key ended",
  );
}

function peersOf({ client, target }: ConnectionEnd): { client: string; target: string | undefined } {
  return { client: `${client.clientHost} ${client.clientPort}`, target: target && formatHostPort(target) };
}
