import type { Counter, ErrorCode, Histogram, Metrics } from "@shadowfleet/runtime";

type Code = "OK" | ErrorCode;

/** What is counted of client connections. Series are looked up once, when their code first comes up. */
export class SessionMetrics {
  readonly #metrics: Metrics;
  readonly #handshakes: Histogram;
  readonly #connections: Histogram;
  readonly #dials = new Map<Code, Histogram>();
  readonly #outcomes = new Map<Code, Counter>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#handshakes = metrics.histogram("shadowsocks.handshake.duration.seconds");
    this.#connections = metrics.histogram("shadowsocks.connection.duration.seconds", { "network.transport": "tcp" });
  }

  handshakeDone(durationMs: number): void {
    this.#handshakes.record(durationMs / 1000);
  }

  handshakeFailed(code: ErrorCode): void {
    this.#metrics.add("shadowsocks.handshake.failures", 1, { "error.type": code });
  }

  dialOver(code: Code, durationMs: number): void {
    (this.#dials.get(code) ?? this.#bindDial(code)).record(durationMs / 1000);
  }

  connectionOver(code: Code, durationMs: number): void {
    (this.#outcomes.get(code) ?? this.#bindOutcome(code)).add(1);
    this.#connections.record(durationMs / 1000);
  }

  #bindDial(code: Code): Histogram {
    const histogram = this.#metrics.histogram("shadowsocks.dial.duration.seconds", { "error.type": code });
    this.#dials.set(code, histogram);
    return histogram;
  }

  #bindOutcome(code: Code): Counter {
    const counter = this.#metrics.counter("shadowsocks.connections", { "network.transport": "tcp", outcome: code });
    this.#outcomes.set(code, counter);
    return counter;
  }
}
