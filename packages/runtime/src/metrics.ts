import type { CounterName, HistogramName, ObservedName } from "./metric-registry.ts";

export type Attributes = Readonly<Record<string, string>>;

export interface Observation {
  readonly value: number;
  readonly attributes?: Attributes;
}

/** One series of a counter, or of a histogram: an event is an addition to plain numbers. It is scraped from its first event on. */
export interface Counter {
  add(value: number): void;
}

export interface Histogram {
  record(value: number): void;
}

/**
 * The instruments of a process. What happens once a connection is told to a series that was asked for beforehand; what happens once a chunk or packet
 * lives in plain number fields that `observe` reads at scrape time. All throw when an attribute is not in the registry's list for that metric.
 */
export interface Metrics {
  counter(name: CounterName, attributes?: Attributes): Counter;
  histogram(name: HistogramName, attributes?: Attributes): Histogram;
  /** As `counter(name, attributes).add(value)`, for what is rare. */
  add(name: CounterName, value: number, attributes?: Attributes): void;
  /** As `histogram(name, attributes).record(value)`, for what is rare. */
  record(name: HistogramName, value: number, attributes?: Attributes): void;
  /**
   * Registers a reader; readers of one name are summed by attribute set. Returns a function that takes it away again: a gauge then forgets
   * what it read, a counter keeps its last reading, so that it never runs backwards.
   */
  observe(name: ObservedName, read: () => Iterable<Observation>): () => void;
  /** Prometheus text of everything. */
  scrape(): Promise<string>;
  shutdown(): Promise<void>;
}
