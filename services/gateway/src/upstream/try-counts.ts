import { type Counter, type ErrorCode, type Histogram, type Metrics, SeriesBy } from "@shadowfleet/runtime";

/** The metrics of tries of upstreams. What a try that succeeds adds to is bound when it is first needed. */
export class TryCounts {
  readonly #metrics: Metrics;
  readonly #successes = new SeriesBy<string, Counter>((upstreamId) =>
    this.#metrics.counter("shadowsocks.upstream.picks", { upstream: upstreamId, result: "OK" }),
  );
  #dials: Histogram | undefined;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** How dialling ended and how long it took, whatever came of the try. */
  dialled(outcome: "OK" | ErrorCode, latencyMs: number): void {
    if (outcome !== "OK") {
      this.#metrics.record("shadowsocks.dial.duration.seconds", latencyMs / 1000, { "error.type": outcome });
      return;
    }
    this.#dials ??= this.#metrics.histogram("shadowsocks.dial.duration.seconds", { "error.type": "OK" });
    this.#dials.record(latencyMs / 1000);
  }

  tried(upstreamId: string, outcome: "OK" | ErrorCode): void {
    if (outcome === "OK") this.#successes.of(upstreamId).add(1);
    else this.#metrics.add("shadowsocks.upstream.picks", 1, { upstream: upstreamId, result: outcome });
  }
}
