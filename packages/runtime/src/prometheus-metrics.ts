import type { Counter, Histogram, Meter } from "@opentelemetry/api";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { RuntimeNodeInstrumentation } from "@opentelemetry/instrumentation-runtime-node";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationTemporality, InstrumentType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import { type CounterName, type HistogramName, METRICS, type MetricEntry, type MetricName, type ObservedName } from "./metric-registry.ts";
import type { Attributes, Metrics, Observation } from "./metrics.ts";
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

/** Every instrument of the registry on the OpenTelemetry SDK, plus the process's and Node.js's own metrics, ready to be scraped. */
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
  readonly #counters = new Map<MetricName, Counter>();
  readonly #histograms = new Map<MetricName, Histogram>();
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

  add(name: CounterName, value: number, attributes: Attributes = {}): void {
    checkAttributes(name, attributes);
    this.#counters.get(name)?.add(value, attributes);
  }

  record(name: HistogramName, value: number, attributes: Attributes = {}): void {
    checkAttributes(name, attributes);
    this.#histograms.get(name)?.record(value, attributes);
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
    return this.#serializer.serialize(resourceMetrics);
  }

  #create(meter: Meter, name: MetricName, entry: MetricEntry): void {
    const { kind, unit, description, buckets } = entry;
    if (kind === "counter") {
      const counter = meter.createCounter(name, { unit, description });
      for (const attributes of zeroSeries(name)) counter.add(0, attributes);
      this.#counters.set(name, counter);
    } else if (kind === "histogram") {
      const advice = buckets ? { explicitBucketBoundaries: [...buckets] } : {};
      this.#histograms.set(name, meter.createHistogram(name, { unit, description, advice }));
    } else {
      this.#observed.set(name, this.#createObserved(meter, name, entry));
    }
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

/** A label nobody registered is one nobody thought about: it may be unbounded or private. */
function checkAttributes(name: MetricName, attributes: Attributes): void {
  const allowed: readonly string[] = METRICS[name].attributes;
  for (const attribute in attributes) {
    if (!allowed.includes(attribute))
      throw new TypeError(`metric ${name} has no attribute "${attribute}" (registered: ${allowed.join(", ") || "none"})`);
  }
}
