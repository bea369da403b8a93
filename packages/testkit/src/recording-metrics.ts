import type { Attributes, MetricName, Metrics, Observation } from "@shadowfleet/runtime";

type CounterName = Parameters<Metrics["add"]>[0];
type HistogramName = Parameters<Metrics["record"]>[0];
type ObservedName = Parameters<Metrics["observe"]>[0];

/** One call of `add` or `record`. */
export interface Measurement {
  readonly name: MetricName;
  readonly value: number;
  readonly attributes: Attributes;
}

/** Metrics that keep every call, to be asserted on. In all questions, `attributes` matches what has at least these values. */
export class RecordingMetrics implements Metrics {
  readonly #added: Measurement[] = [];
  readonly #recorded: Measurement[] = [];
  readonly #readers = new Map<ObservedName, Set<() => Iterable<Observation>>>();
  #isShutDown = false;

  add(name: CounterName, value: number, attributes: Attributes = {}): void {
    this.#added.push({ name, value, attributes });
  }

  record(name: HistogramName, value: number, attributes: Attributes = {}): void {
    this.#recorded.push({ name, value, attributes });
  }

  observe(name: ObservedName, read: () => Iterable<Observation>): () => void {
    const readers = this.#readers.get(name) ?? new Set();
    this.#readers.set(name, readers.add(read));
    return () => void readers.delete(read);
  }

  /** What a counter stands at. */
  total(name: CounterName, attributes: Attributes = {}): number {
    return sum(this.#added.filter((measurement) => measurement.name === name && matches(measurement.attributes, attributes)));
  }

  /** Every value a histogram was given. */
  recorded(name: HistogramName, attributes: Attributes = {}): number[] {
    return this.#recorded.flatMap((entry) => (entry.name === name && matches(entry.attributes, attributes) ? [entry.value] : []));
  }

  /** What an observed metric would be scraped as now; undefined when no reader reports such a thing. */
  observed(name: ObservedName, attributes: Attributes = {}): number | undefined {
    const observations = [...(this.#readers.get(name) ?? [])].flatMap((read) => [...read()]);
    const found = observations.filter((observation) => matches(observation.attributes ?? {}, attributes));
    return found.length === 0 ? undefined : sum(found);
  }

  /** Every call so far, counters before histograms. */
  get measurements(): readonly Measurement[] {
    return [...this.#added, ...this.#recorded];
  }

  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  /** One line a call, `name{key="value"} value`: enough to see what is there, no exposition format. */
  scrape(): Promise<string> {
    const observed = [...this.#readers].flatMap(([name, readers]) =>
      [...readers].flatMap((read) => [...read()].map(({ value, attributes = {} }) => ({ name, value, attributes }))),
    );
    return Promise.resolve([...this.measurements, ...observed].map(lineOf).join(""));
  }

  shutdown(): Promise<void> {
    this.#isShutDown = true;
    return Promise.resolve();
  }
}

function matches(attributes: Attributes, wanted: Attributes): boolean {
  return Object.entries(wanted).every(([key, value]) => attributes[key] === value);
}

function sum(values: readonly { readonly value: number }[]): number {
  return values.reduce((total, { value }) => total + value, 0);
}

function lineOf({ name, value, attributes }: Measurement): string {
  const labels = Object.entries(attributes).map(([key, label]) => `${key}="${label}"`);
  return `${name}{${labels.join(",")}} ${value}\n`;
}
