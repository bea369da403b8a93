import type { Metrics } from "@shadowfleet/runtime";
import type { LimitCounts } from "./limit-counts.ts";
import type { LimitExchange } from "./limit-exchange.ts";

/** Lets a scrape read what limits do here. Returns a function that takes the readers away again. */
export function observeLimits(metrics: Metrics, exchange: LimitExchange, counts: LimitCounts): () => void {
  const removers = [
    metrics.observe("fleet.limits.keys", () => [{ value: exchange.size }]),
    metrics.observe("fleet.limits.leased.bytes", () => [{ value: exchange.leasedBytes }]),
    metrics.observe("fleet.limits.unchecked", () => [{ value: exchange.isAway && exchange.size > 0 ? 1 : 0 }]),
    metrics.observe("fleet.limits.unchecked.bytes", () => [{ value: counts.uncheckedBytes }]),
    metrics.observe("fleet.limits.pauses", () => [
      { value: counts.pausesUp, attributes: { "network.io.direction": "up" } },
      { value: counts.pausesDown, attributes: { "network.io.direction": "down" } },
    ]),
    metrics.observe("fleet.limits.refusals", () => [...counts.refused].map(([outcome, value]) => ({ value, attributes: { outcome } }))),
  ];
  return () => {
    for (const remove of removers) remove();
  };
}
