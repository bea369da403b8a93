import type { ErrorCode } from "@shadowfleet/runtime";
import type { FailCounts } from "@shadowfleet/store";
import { settle } from "./circuit.ts";
import type { Picker, Random } from "./picker.ts";
import type { Upstream } from "./upstream.ts";

/** Weight of the newest dial in the moving average: the last dozen or so count. */
const NEWEST_WEIGHT = 0.2;
/** Share of requests that begin with an upstream drawn at random, so that a slow or failed one that has recovered is noticed. */
const EXPLORATION = 1 / 20;

/** Moving average of dial latency in milliseconds, by upstream id. Outlives a reload. */
export type DialLatencies = Map<string, number>;

/**
 * The upstream that was quickest to dial first; one never dialled counts as quickest. Those with a failCnt come last, the least failed first.
 */
export class LatencyPolicy implements Picker {
  readonly upstreams: readonly Upstream[];
  readonly #failCounts: FailCounts;
  readonly #random: Random;
  readonly #latencies: DialLatencies;

  constructor(upstreams: readonly Upstream[], failCounts: FailCounts, random: Random, latencies: DialLatencies) {
    this.upstreams = upstreams;
    this.#failCounts = failCounts;
    this.#random = random;
    this.#latencies = latencies;
  }

  plan(): Iterable<Upstream> {
    const order = this.upstreams.toSorted((a, b) => this.#rank(a, b));
    if (this.#random() >= EXPLORATION) return order;
    const [drawn] = order.splice(Math.floor(this.#random() * order.length), 1);
    return drawn ? [drawn, ...order] : order;
  }

  report(upstream: Upstream, outcome: "OK" | ErrorCode, latencyMs: number): void {
    settle(this.#failCounts, upstream, outcome === "OK");
    if (outcome !== "OK") return;
    const average = this.#latencies.get(upstream.id);
    this.#latencies.set(upstream.id, average === undefined ? latencyMs : average + (latencyMs - average) * NEWEST_WEIGHT);
  }

  #rank(a: Upstream, b: Upstream): number {
    const byFailures = this.#failCounts.get(a.id) - this.#failCounts.get(b.id);
    return byFailures !== 0 ? byFailures : (this.#latencies.get(a.id) ?? 0) - (this.#latencies.get(b.id) ?? 0);
  }
}
