export type RuntimeMetricType = "counter" | "gauge" | "histogram";

/** One series family made by OpenTelemetry's Node.js instrumentation rather than by the fleet's registry. */
export interface RuntimeMetricEntry<Series extends string = string, Type extends RuntimeMetricType = RuntimeMetricType> {
  /** As scraped. */
  readonly series: Series;
  readonly type: Type;
  readonly unit: string;
  readonly labels: readonly string[];
  readonly description: string;
}

const runtime = <Series extends string, Type extends RuntimeMetricType>(
  series: Series,
  type: Type,
  unit: string,
  description: string,
  labels: readonly string[] = [],
): RuntimeMetricEntry<Series, Type> => ({ series, type, unit, labels, description });

/** What `@opentelemetry/instrumentation-runtime-node` adds to every scrape; a test compares it with a real one. */
export const RUNTIME_METRICS = [
  runtime("nodejs_eventloop_utilization", "gauge", "1", "Share of time since the last scrape the event loop was busy, 0 to 1"),
  runtime("nodejs_eventloop_time_total", "counter", "s", "Time the event loop spent in each state", ["nodejs_eventloop_state"]),
  runtime(
    "nodejs_eventloop_delay_min",
    "gauge",
    "s",
    "Event loop delay since the last scrape, least: 0.02 when idle, the sampling interval",
  ),
  runtime("nodejs_eventloop_delay_max", "gauge", "s", "Event loop delay since the last scrape: most"),
  runtime("nodejs_eventloop_delay_mean", "gauge", "s", "Event loop delay since the last scrape: mean"),
  runtime("nodejs_eventloop_delay_stddev", "gauge", "s", "Event loop delay since the last scrape: standard deviation"),
  runtime("nodejs_eventloop_delay_p50", "gauge", "s", "Event loop delay since the last scrape: median"),
  runtime("nodejs_eventloop_delay_p90", "gauge", "s", "Event loop delay since the last scrape: 90th percentile"),
  runtime("nodejs_eventloop_delay_p99", "gauge", "s", "Event loop delay since the last scrape: 99th percentile"),
  runtime("v8js_gc_duration", "histogram", "s", "Garbage collection pauses by kind", ["v8js_gc_type"]),
  runtime("v8js_memory_heap_space_size", "gauge", "By", "Heap reserved by space", ["v8js_heap_space_name"]),
  runtime("v8js_memory_heap_used", "gauge", "By", "Heap used by space", ["v8js_heap_space_name"]),
  runtime("v8js_memory_heap_space_available_size", "gauge", "By", "Heap still available by space", ["v8js_heap_space_name"]),
  runtime("v8js_memory_heap_space_physical_size", "gauge", "By", "Heap committed by space", ["v8js_heap_space_name"]),
  runtime("v8js_resource_active", "gauge", "{resource}", "Resources that keep the event loop alive, by type", ["v8js_resource_type"]),
] as const satisfies readonly RuntimeMetricEntry[];
