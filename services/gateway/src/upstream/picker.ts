import type { ErrorCode } from "@shadowfleet/runtime";
import type { Upstream } from "./upstream.ts";

/** Decides which upstream serves a request, and learns from how the tries went. */
export interface Picker {
  /** All there are, in configured order. */
  readonly upstreams: readonly Upstream[];
  /** The order of tries for one request, each upstream at most once. Lazy: an upstream is judged when its turn comes. */
  plan(): Iterable<Upstream>;
  /** How one try of a plan ended, and how long dialling took. Tries given up because the client left are not reported. */
  report(upstream: Upstream, outcome: "OK" | ErrorCode, latencyMs: number): void;
}

/** A number from 0 up to but not including 1, each as likely. */
export type Random = () => number;
