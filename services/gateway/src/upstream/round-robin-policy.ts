import type { ErrorCode } from "@shadowfleet/runtime";
import type { FailCounts } from "@shadowfleet/store";
import { FirstPassThenSkipped, settle } from "./circuit.ts";
import type { Picker, Random } from "./picker.ts";
import type { Upstream } from "./upstream.ts";

/** Each request begins one upstream further than the last, under the ancestor's circuit breaker. */
export class RoundRobinPolicy implements Picker {
  readonly upstreams: readonly Upstream[];
  readonly #failCounts: FailCounts;
  readonly #random: Random;
  #next = 0;

  constructor(upstreams: readonly Upstream[], failCounts: FailCounts, random: Random) {
    this.upstreams = upstreams;
    this.#failCounts = failCounts;
    this.#random = random;
  }

  plan(): Iterable<Upstream> {
    const first = this.#next;
    this.#next = (first + 1) % Math.max(1, this.upstreams.length);
    const order = [...this.upstreams.slice(first), ...this.upstreams.slice(0, first)];
    return new FirstPassThenSkipped(order, this.#failCounts, this.#random);
  }

  report(upstream: Upstream, outcome: "OK" | ErrorCode): void {
    settle(this.#failCounts, upstream, outcome === "OK");
  }
}
