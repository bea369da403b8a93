import { METRICS, type MetricKind, type MetricName } from "./metric-registry.ts";

const SERIES_TYPES = {
  counter: "counter",
  "observed-counter": "counter",
  "observed-gauge": "gauge",
  histogram: "histogram",
} as const satisfies Record<MetricKind, string>;

/** The metric's Prometheus type. */
export function seriesType(name: MetricName): "counter" | "gauge" | "histogram" {
  return SERIES_TYPES[METRICS[name].kind];
}

/** The metric's name as Prometheus scrapes it; a histogram's series add `_bucket`, `_sum` and `_count`. */
export function seriesName(name: MetricName): string {
  const total = seriesType(name) === "counter" ? "_total" : "";
  return labelName(name) + total;
}

/** An attribute's name as a Prometheus label. */
export function labelName(attribute: string): string {
  return attribute.replace(/[^A-Za-z0-9]+/g, "_");
}
