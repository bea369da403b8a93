import { labelName } from "@shadowfleet/runtime";
import { type Counter, type Gauge, type Histogram, type Labels, select } from "./series.ts";

/** At least four scrapes, as Grafana knows the scrape interval. */
const RATE_INTERVAL = "$__rate_interval";
const PANEL_RANGE = "$__range";

export function gauge(name: Gauge, labels?: Labels): string {
  return select(name, labels);
}

/** Per second. */
export function rate(name: Counter, labels?: Labels): string {
  return `rate(${select(name, labels)}[${RATE_INTERVAL}])`;
}

/** Over everything the dashboard shows. */
export function increase(name: Counter, labels?: Labels): string {
  return `increase(${select(name, labels)}[${PANEL_RANGE}])`;
}

/** Observations of a histogram per second. */
export function observationRate(name: Histogram, labels?: Labels): string {
  return `rate(${select(name, labels, "_count")}[${RATE_INTERVAL}])`;
}

/** Sum of what a histogram observed, per second. */
export function observedRate(name: Histogram, labels?: Labels): string {
  return `rate(${select(name, labels, "_sum")}[${RATE_INTERVAL}])`;
}

/** The quantile of a histogram, one for each set of the labels in `by`. */
export function quantile(q: number, name: Histogram, labels?: Labels, by: readonly string[] = []): string {
  const buckets = `rate(${select(name, labels, "_bucket")}[${RATE_INTERVAL}])`;
  return `histogram_quantile(${q}, ${sum(buckets, "le", ...by)})`;
}

export function sum(expression: string, ...by: readonly string[]): string {
  return aggregate("sum", expression, by);
}

export function max(expression: string, ...by: readonly string[]): string {
  return aggregate("max", expression, by);
}

export function min(expression: string, ...by: readonly string[]): string {
  return aggregate("min", expression, by);
}

export function count(expression: string, ...by: readonly string[]): string {
  return aggregate("count", expression, by);
}

/** The `n` largest. */
export function top(n: number, expression: string): string {
  return `topk(${n}, ${expression})`;
}

/** 0 to 1 of the whole; 0, not empty, where nothing of the part was seen yet. */
export function share(part: string, whole: string, ...by: readonly string[]): string {
  const parts = sum(part, ...by);
  const wholes = sum(whole, ...by);
  return `(${parts} or 0 * ${wholes}) / ${wholes}`;
}

/** 0 where nothing was seen yet. Only for expressions without labels. */
export function orZero(expression: string): string {
  return `${expression} or vector(0)`;
}

/** Per minute, for what happens rarely. */
export function perMinute(perSecond: string): string {
  return `60 * ${perSecond}`;
}

/** Bytes as bits, as networks are measured. */
export function bits(bytesPerSecond: string): string {
  return `8 * ${bytesPerSecond}`;
}

function aggregate(operation: string, expression: string, by: readonly string[]): string {
  return by.length === 0 ? `${operation}(${expression})` : `${operation} by (${by.map(labelName).join(", ")}) (${expression})`;
}
