import type { Counter, ErrorCode, Histogram, Metrics } from "@shadowfleet/runtime";
import type { SessionEnd } from "./session-end.ts";

type Transport = SessionEnd["transport"];

/** The metrics of client connections. What every connection adds to is bound when it is first needed. */
export class SessionCounts {
  readonly #metrics: Metrics;
  readonly #outcomes = { tcp: new Map<SessionEnd["code"], Counter>(), udp: new Map<SessionEnd["code"], Counter>() };
  readonly #durations = new Map<Transport, Histogram>();
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
    (this.#outcomes[transport].get(code) ?? this.#bindOutcome(transport, code)).add(1);
    (this.#durations.get(transport) ?? this.#bindDuration(transport)).record(durationMs / 1000);
  }

  #bindOutcome(transport: Transport, code: SessionEnd["code"]): Counter {
    const counter = this.#metrics.counter("shadowsocks.connections", { "network.transport": transport, outcome: code });
    this.#outcomes[transport].set(code, counter);
    return counter;
  }

  #bindDuration(transport: Transport): Histogram {
    const histogram = this.#metrics.histogram("shadowsocks.connection.duration.seconds", { "network.transport": transport });
    this.#durations.set(transport, histogram);
    return histogram;
  }
}
