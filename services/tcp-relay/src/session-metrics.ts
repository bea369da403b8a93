import type { Attributes, ErrorCode, Metrics } from "@shadowfleet/runtime";

type Code = "OK" | ErrorCode;

const TCP: Attributes = { "network.transport": "tcp" };

/** What is counted of client connections. */
export class SessionMetrics {
  readonly #metrics: Metrics;
  /** Attribute sets by code, made once: a new object for every connection would be garbage. */
  readonly #outcomes = new Map<Code, Attributes>();
  readonly #errorTypes = new Map<Code, Attributes>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  handshakeDone(durationMs: number): void {
    this.#metrics.record("shadowsocks.handshake.duration.seconds", durationMs / 1000);
  }

  handshakeFailed(code: ErrorCode): void {
    this.#metrics.add("shadowsocks.handshake.failures", 1, this.#errorType(code));
  }

  dialOver(code: Code, durationMs: number): void {
    this.#metrics.record("shadowsocks.dial.duration.seconds", durationMs / 1000, this.#errorType(code));
  }

  connectionOver(code: Code, durationMs: number): void {
    let outcome = this.#outcomes.get(code);
    if (!outcome) {
      outcome = { "network.transport": "tcp", outcome: code };
      this.#outcomes.set(code, outcome);
    }
    this.#metrics.add("shadowsocks.connections", 1, outcome);
    this.#metrics.record("shadowsocks.connection.duration.seconds", durationMs / 1000, TCP);
  }

  #errorType(code: Code): Attributes {
    let attributes = this.#errorTypes.get(code);
    if (!attributes) {
      attributes = { "error.type": code };
      this.#errorTypes.set(code, attributes);
    }
    return attributes;
  }
}
