import type { Meter } from "@opentelemetry/api";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { RuntimeNodeInstrumentation } from "@opentelemetry/instrumentation-runtime-node";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationTemporality, InstrumentType, MeterProvider, type MetricData, MetricReader } from "@opentelemetry/sdk-metrics";
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import { checkAttributes } from "./attribute-check.ts";
import { counterData, counterOf, type EventInstrument, histogramData, histogramOf } from "./event-instrument.ts";
import type { CounterSeries, HistogramSeries } from "./event-series.ts";
import { type CounterName, type HistogramName, METRICS, type MetricEntry, type MetricName, type ObservedName } from "./metric-registry.ts";
import type { Attributes, Counter, Histogram, Metrics, Observation } from "./metrics.ts";
import { ObservedInstrument } from "./observed-instrument.ts";
import { observeProcess } from "./process-metrics.ts";
import { zeroSeries } from "./zero-series.ts";

const SERVICE_NAMESPACE = "shadowfleet";
// The package's default of 10 ms wakes an idle process a hundred times a second.
const EVENT_LOOP_SAMPLING_MS = 20;

export interface MetricsOptions {
  /** Resource attributes `service.name`, `service.version`, `service.instance.id`; the namespace is always shadowfleet. */
  readonly serviceName: string;
  readonly version: string;
  readonly instanceId: string;
  /** Told when an observed reader throws at scrape time. Default: a process warning. */
  readonly onReadError?: (error: unknown) => void;
}

/** Where a metric stands in the text. */
const RANKS = new Map<string, number>(Object.keys(METRICS).map((name, rank) => [name, rank]));

/** Every instrument of the registry, as the OpenTelemetry SDK shows them, plus the process's and Node.js's own metrics, ready to be scraped. */
export function createMetrics(options: MetricsOptions): Metrics {
  const metrics = new PrometheusMetrics(options);
  metrics.observe("fleet.build.info", () => [{ value: 1, attributes: { version: options.version } }]);
  observeProcess(metrics);
  return metrics;
}

/**
 * Collects when asked. Gauges are read as deltas, which for a gauge means: what was observed now. Cumulative, the SDK would go on reporting
 * an attribute set that no reader reports any more, such as an upstream that was removed.
 */
class ScrapeReader extends MetricReader {
  constructor() {
    super({
      aggregationTemporalitySelector: (type) =>
        type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    });
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {}
}

class PrometheusMetrics implements Metrics {
  readonly #reader = new ScrapeReader();
  readonly #serializer = new PrometheusSerializer("", false, undefined, false, true);
  readonly #provider: MeterProvider;
  readonly #runtime = new RuntimeNodeInstrumentation({ monitoringPrecision: EVENT_LOOP_SAMPLING_MS });
  readonly #onReadError: (error: unknown) => void;
  readonly #counters = new Map<CounterName, EventInstrument<CounterSeries>>();
  readonly #histograms = new Map<HistogramName, EventInstrument<HistogramSeries>>();
  readonly #observed = new Map<MetricName, ObservedInstrument>();
  #scrape: Promise<string> | undefined;

  constructor({ serviceName, version, instanceId, onReadError }: MetricsOptions) {
    this.#onReadError = onReadError ?? ((error) => process.emitWarning(error instanceof Error ? error : String(error)));
    const resource = resourceFromAttributes({
      [ATTR_SERVICE_NAME]: serviceName,
      "service.namespace": SERVICE_NAMESPACE,
      "service.instance.id": instanceId,
      [ATTR_SERVICE_VERSION]: version,
    });
    this.#provider = new MeterProvider({ resource, readers: [this.#reader] });
    const meter = this.#provider.getMeter(SERVICE_NAMESPACE, version);
    for (const name of Object.keys(METRICS) as MetricName[]) this.#create(meter, name, METRICS[name]);
    this.#runtime.setMeterProvider(this.#provider);
  }

  counter(name: CounterName, attributes: Attributes = {}): Counter {
    return this.#counters.get(name)!.series(attributes);
  }

  histogram(name: HistogramName, attributes: Attributes = {}): Histogram {
    return this.#histograms.get(name)!.series(attributes);
  }

  add(name: CounterName, value: number, attributes?: Attributes): void {
    this.counter(name, attributes).add(value);
  }

  record(name: HistogramName, value: number, attributes?: Attributes): void {
    this.histogram(name, attributes).record(value);
  }

  observe(name: ObservedName, read: () => Iterable<Observation>): () => void {
    return this.#observed.get(name)!.observe(read);
  }

  // Two collections at once would share the gauges of one reading between them, so concurrent scrapes get the same text.
  scrape(): Promise<string> {
    this.#scrape ??= this.#collect().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  async shutdown(): Promise<void> {
    this.#runtime.disable();
    await this.#provider.shutdown();
  }

  async #collect(): Promise<string> {
    const { resourceMetrics, errors } = await this.#reader.collect();
    for (const error of errors) this.#onReadError(error);
    const own = resourceMetrics.scopeMetrics.find(({ scope }) => scope.name === SERVICE_NAMESPACE);
    own?.metrics.push(...this.#eventData());
    own?.metrics.sort((a, b) => RANKS.get(a.descriptor.name)! - RANKS.get(b.descriptor.name)!);
    return this.#serializer.serialize(resourceMetrics);
  }

  #eventData(): MetricData[] {
    const counters = Array.from(this.#counters, ([name, counter]) => counterData(name, counter));
    const histograms = Array.from(this.#histograms, ([name, histogram]) => histogramData(name, histogram));
    return [...counters, ...histograms].filter((data) => data !== undefined);
  }

  #create(meter: Meter, name: MetricName, entry: MetricEntry): void {
    if (entry.kind === "counter") this.#counters.set(name as CounterName, counterOf(name as CounterName));
    else if (entry.kind === "histogram") this.#histograms.set(name as HistogramName, histogramOf(name as HistogramName));
    else this.#observed.set(name, this.#createObserved(meter, name, entry));
  }

  #createObserved(meter: Meter, name: MetricName, { kind, unit, description }: MetricEntry): ObservedInstrument {
    const monotonic = kind === "observed-counter";
    const observed = new ObservedInstrument({
      monotonic,
      zero: zeroSeries(name),
      check: (attributes) => checkAttributes(name, attributes),
      onReadError: this.#onReadError,
    });
    const instrument = monotonic
      ? meter.createObservableCounter(name, { unit, description })
      : meter.createObservableGauge(name, { unit, description });
    instrument.addCallback((result) => {
      for (const { value, attributes } of observed.collect()) result.observe(value, attributes);
    });
    return observed;
  }
}
