import { createRequire } from "node:module";
import type {
  Attributes,
  Counter,
  CounterName,
  Histogram,
  HistogramName,
  MetricEntry,
  MetricName,
  Metrics,
  Observation,
  ObservedName,
} from "@shadowfleet/runtime";

const load = createRequire(import.meta.url);

/** Loaded with the first instance: it brings the whole metrics SDK, which tests of pure code that import the test kit need not wait for. */
function registry(): Readonly<Record<MetricName, MetricEntry>> {
  return (load("@shadowfleet/runtime") as typeof import("@shadowfleet/runtime")).METRICS;
}

/** One call of `add` or `record`, of the metrics or of a bound series. */
export interface Measurement {
  readonly name: MetricName;
  readonly value: number;
  readonly attributes: Attributes;
}

/**
 * Metrics that keep every call, to be asserted on, as strict about attributes as the real ones. In all questions, `attributes` matches what
 * has at least these values. A reader that throws throws in the question.
 */
export class RecordingMetrics implements Metrics {
  readonly #registry = registry();
  readonly #added: Measurement[] = [];
  readonly #recorded: Measurement[] = [];
  readonly #readers = new Map<ObservedName, Set<() => Iterable<Observation>>>();
  #isShutDown = false;

  counter(name: CounterName, attributes: Attributes = {}): Counter {
    this.#check(name, attributes);
    return { add: (value) => void this.#added.push({ name, value, attributes }) };
  }

  histogram(name: HistogramName, attributes: Attributes = {}): Histogram {
    this.#check(name, attributes);
    return { record: (value) => void this.#recorded.push({ name, value, attributes }) };
  }

  add(name: CounterName, value: number, attributes?: Attributes): void {
    this.counter(name, attributes).add(value);
  }

  record(name: HistogramName, value: number, attributes?: Attributes): void {
    this.histogram(name, attributes).record(value);
  }

  observe(name: ObservedName, read: () => Iterable<Observation>): () => void {
    const readers = this.#readers.get(name) ?? new Set();
    this.#readers.set(name, readers.add(read));
    return () => {
      // As the contract has it: a counter keeps its last reading, a gauge forgets it.
      if (!readers.delete(read) || this.#registry[name].kind === "observed-gauge") return;
      const last = [...read()];
      readers.add(() => last);
    };
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
    const found = this.#read(name).filter((measurement) => matches(measurement.attributes, attributes));
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
    const observed = [...this.#readers.keys()].flatMap((name) => this.#read(name));
    return Promise.resolve([...this.measurements, ...observed].map(lineOf).join(""));
  }

  shutdown(): Promise<void> {
    this.#isShutDown = true;
    return Promise.resolve();
  }

  #read(name: ObservedName): Measurement[] {
    const observations = [...(this.#readers.get(name) ?? [])].flatMap((read) => [...read()]);
    return observations.map(({ value, attributes = {} }) => {
      this.#check(name, attributes);
      return { name, value, attributes };
    });
  }

  #check(name: MetricName, attributes: Attributes): void {
    const unknown = Object.keys(attributes).find((attribute) => !this.#registry[name].attributes.includes(attribute));
    if (unknown !== undefined) throw new TypeError(`metric ${name} has no attribute "${unknown}"`);
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
