import { type Counter, type ErrorCode, type Histogram, type Metrics, SeriesBy } from "@shadowfleet/runtime";
import type { SessionEnd } from "./session-end.ts";

type Transport = SessionEnd["transport"];

/** The metrics of client connections. What every connection adds to is bound when it is first needed. */
export class SessionCounts {
  readonly #metrics: Metrics;
  readonly #outcomes = { tcp: this.#outcomesOf("tcp"), udp: this.#outcomesOf("udp") };
  readonly #durations = new SeriesBy<Transport, Histogram>((transport) =>
    this.#metrics.histogram("shadowsocks.connection.duration.seconds", { "network.transport": transport }),
  );
  #handshakes: Histogram | undefined;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** A request is complete, so long after accept. */
  requested(ageMs: number): void {
    this.#handshakes ??= this.#metrics.histogram("shadowsocks.handshake.duration.seconds");
    this.#handshakes.record(ageMs / 1000);
  }

  /** The request never was complete, or is not granted. */
  refused(code: ErrorCode): void {
    this.#metrics.add("shadowsocks.handshake.failures", 1, { "error.type": code });
  }

  ended({ transport, code, durationMs }: SessionEnd): void {
    this.#outcomes[transport].of(code).add(1);
    this.#durations.of(transport).record(durationMs / 1000);
  }

  #outcomesOf(transport: Transport): SeriesBy<SessionEnd["code"], Counter> {
    return new SeriesBy((code) => this.#metrics.counter("shadowsocks.connections", { "network.transport": transport, outcome: code }));
  }
}
