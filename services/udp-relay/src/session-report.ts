import type { SessionEnd } from "@shadowfleet/relay";
import { type Attributes, type ErrorCode, errorEntry, type Logger, type LogLevel, type Metrics } from "@shadowfleet/runtime";
import type { Association } from "./association.ts";

const UDP: Attributes = { "network.transport": "udp" };

/** Tells of each association that has ended: one log line and the connection metrics. */
export class SessionReport {
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  #displaced = 0;

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger;
    this.#metrics = metrics;
  }

  ended(association: Association, end: SessionEnd): void {
    this.#metrics.add("shadowsocks.connections", 1, { "network.transport": "udp", outcome: end.code });
    this.#metrics.record("shadowsocks.connection.duration.seconds", end.durationMs / 1000, UDP);
    if (end.code === "UDP_SESSION_LIMIT") this.#displaced += 1;
    const level = levelOf(end.code);
    if (!this.#logger.isLevelEnabled(level)) return;
    const { sessionId, keyId, port, code, bytesUp, bytesDown, durationMs } = end;
    const client = this.#logger.isLevelEnabled("debug") ? `${association.clientHost} ${association.clientPort}` : undefined;
    const fields = { code, session: sessionId, port, keyId, bytesUp, bytesDown, durationMs: Math.round(durationMs), client };
    this.#logger[level](fields, "UDP session ended");
  }

  /** One warning for all that gave way to newer sessions since the last call, however many: clients can cause it at any rate. */
  reportDisplaced(): void {
    if (this.#displaced === 0) return;
    this.#logger.warn({ code: "UDP_SESSION_LIMIT", sessions: this.#displaced }, "UDP sessions dropped to stay within the cap");
    this.#displaced = 0;
  }
}

function levelOf(code: "OK" | ErrorCode): LogLevel {
  if (code === "OK") return "info";
  return code === "UDP_SESSION_LIMIT" ? "debug" : errorEntry(code).level;
}
