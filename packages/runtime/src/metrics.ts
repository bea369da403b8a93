import type { CounterName, HistogramName, ObservedName } from "./metric-registry.ts";

export type Attributes = Readonly<Record<string, string>>;

export interface Observation {
  readonly value: number;
  readonly attributes?: Attributes;
}

/**
 * The instruments of a process. `add` and `record` cost about half a microsecond: once a connection, never once a chunk or packet.
 * What moves faster lives in plain number fields that `observe` reads at scrape time.
 */
export interface Metrics {
  /** Throws when an attribute is not in the registry's list for that metric. */
  add(name: CounterName, value: number, attributes?: Attributes): void;
  /** Throws when an attribute is not in the registry's list for that metric. */
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
