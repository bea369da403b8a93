import type { ErrorCode } from "@shadowfleet/runtime";
import type { FailCounts } from "@shadowfleet/store";
import { FirstPassThenSkipped, settle } from "./circuit.ts";
import type { Picker, Random } from "./picker.ts";
import type { Upstream } from "./upstream.ts";

/** The ancestor's choice: configured order under the circuit breaker, so the first upstream that works serves everything. */
export class ClassicPolicy implements Picker {
  readonly upstreams: readonly Upstream[];
  readonly #failCounts: FailCounts;
  readonly #random: Random;

  constructor(upstreams: readonly Upstream[], failCounts: FailCounts, random: Random) {
    this.upstreams = upstreams;
    this.#failCounts = failCounts;
    this.#random = random;
  }

  plan(): Iterable<Upstream> {
    return new FirstPassThenSkipped(this.upstreams, this.#failCounts, this.#random);
  }

  report(upstream: Upstream, outcome: "OK" | ErrorCode): void {
    settle(this.#failCounts, upstream, outcome === "OK");
  }
}
