import { ValueType } from "@opentelemetry/api";
import { AggregationTemporality, type DataPoint, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import { checkAttributes } from "./attribute-check.ts";
import { CounterSeries, HistogramSeries, type OnFirst } from "./event-series.ts";
import { METRICS, type MetricName, type NameOfKind } from "./metric-registry.ts";
import type { Attributes } from "./metrics.ts";
import { zeroSeries } from "./zero-series.ts";

/** As many as the SDK keeps; what comes beyond goes to one series for the rest. */
const MAX_SERIES = 1999;
const OVERFLOW: Attributes = { "otel.metric.overflow": "true" };
const ABSENT = "\u0001";
const BETWEEN = "\u0000";
const OVERFLOW_KEY = ABSENT;
/** The exposition has no times. */
const NO_TIME: [number, number] = [0, 0];

/**
 * The series of one metric that is fed once an event. The SDK's own takes microseconds an event to find the series; here it is found once and what follows
 * is an addition. What is scraped are the SDK's data all the same.
 */
export class EventInstrument<S extends { readonly attributes: Attributes }> {
  readonly #name: MetricName;
  readonly #create: (attributes: Attributes, onFirst: OnFirst<S>) => S;
  readonly #series = new Map<string, S>();
  /** In the order of their first event. */
  readonly #shown: S[] = [];

  constructor(name: MetricName, create: (attributes: Attributes, onFirst: OnFirst<S>) => S) {
    this.#name = name;
    this.#create = create;
  }

  /** In the order of their first event; a series without one is not there yet. */
  get shown(): readonly S[] {
    return this.#shown;
  }

  /** Throws when an attribute is not in the registry's list for the metric. */
  series(attributes: Attributes): S {
    checkAttributes(this.#name, attributes);
    const key = this.#keyOf(attributes);
    return this.#series.get(key) ?? this.#add(key, attributes);
  }

  #keyOf(attributes: Attributes): string {
    let key = "";
    for (const attribute of METRICS[this.#name].attributes) key += (attributes[attribute] ?? ABSENT) + BETWEEN;
    return key;
  }

  #add(key: string, attributes: Attributes): S {
    if (this.#series.size >= MAX_SERIES && key !== OVERFLOW_KEY) return this.#series.get(OVERFLOW_KEY) ?? this.#add(OVERFLOW_KEY, OVERFLOW);
    const series = this.#create({ ...attributes }, this.#show);
    this.#series.set(key, series);
    return series;
  }

  readonly #show = (series: S): void => {
    this.#shown.push(series);
  };
}

export function counterOf(name: NameOfKind<"counter">): EventInstrument<CounterSeries> {
  const counter = new EventInstrument<CounterSeries>(name, (attributes, onFirst) => new CounterSeries(attributes, onFirst));
  for (const attributes of zeroSeries(name)) counter.series(attributes).add(0);
  return counter;
}

export function histogramOf(name: NameOfKind<"histogram">): EventInstrument<HistogramSeries> {
  const { buckets = [] } = METRICS[name];
  return new EventInstrument(name, (attributes, onFirst) => new HistogramSeries(attributes, buckets, onFirst));
}

/** Undefined while it has no series. */
export function counterData(name: NameOfKind<"counter">, { shown }: EventInstrument<CounterSeries>): MetricData | undefined {
  if (shown.length === 0) return undefined;
  const dataPoints = shown.map(({ attributes, value }) => dataPoint(attributes, value));
  return { ...familyOf(name), dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}

/** Undefined while it has no series. */
export function histogramData(name: NameOfKind<"histogram">, { shown }: EventInstrument<HistogramSeries>): MetricData | undefined {
  if (shown.length === 0) return undefined;
  const dataPoints = shown.map(({ attributes, bounds, counts, count, sum }) =>
    dataPoint(attributes, { buckets: { boundaries: [...bounds], counts: [...counts] }, count, sum }),
  );
  return { ...familyOf(name), dataPointType: DataPointType.HISTOGRAM, dataPoints };
}

function familyOf(name: MetricName): Pick<MetricData, "descriptor" | "aggregationTemporality"> {
  const { unit, description } = METRICS[name];
  return {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
}

function dataPoint<T>(attributes: Attributes, value: T): DataPoint<T> {
  return { startTime: NO_TIME, endTime: NO_TIME, attributes, value };
}
