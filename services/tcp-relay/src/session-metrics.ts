import { type Counter, type ErrorCode, type Histogram, type Metrics, SeriesBy } from "@shadowfleet/runtime";

type Code = "OK" | ErrorCode;

/** What is counted of client connections. Series are looked up once, when their code first comes up. */
export class SessionMetrics {
  readonly #metrics: Metrics;
  readonly #handshakes: Histogram;
  readonly #connections: Histogram;
  readonly #dials = new SeriesBy<Code, Histogram>((code) =>
    this.#metrics.histogram("shadowsocks.dial.duration.seconds", { "error.type": code }),
  );
  readonly #outcomes = new SeriesBy<Code, Counter>((code) =>
    this.#metrics.counter("shadowsocks.connections", { "network.transport": "tcp", outcome: code }),
  );

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
    this.#dials.of(code).record(durationMs / 1000);
  }

  connectionOver(code: Code, durationMs: number): void {
    this.#outcomes.of(code).add(1);
    this.#connections.record(durationMs / 1000);
  }
}
