import { ERROR_CODES, type ErrorCodeEntry } from "./error-codes.ts";
import { METRICS, type MetricEntry, type MetricName } from "./metric-registry.ts";
import { RUNTIME_METRICS } from "./runtime-metric-table.ts";
import { labelName, seriesName, seriesType } from "./series-name.ts";

/** The whole of `docs/metrics.md`, made from the metric registry. */
export function metricsReference(): string {
  const names = Object.keys(METRICS) as MetricName[];
  return [
    "# Metrics",
    "",
    "Generated from the metric registry by `npm run gen`; do not edit. Every service serves all of these at `/metrics` of its admin address;",
    "what a service does not have stays at 0 or has no series. Counters whose label values are known beforehand start at 0.",
    "",
    "## Fleet and process",
    "",
    table(
      ["Series", "Type", "Unit", "Labels", "Meaning"],
      names.map((name) => [
        code(seriesName(name)),
        seriesType(name),
        METRICS[name].unit,
        labels(METRICS[name].attributes),
        METRICS[name].description,
      ]),
    ),
    "",
    "## Histogram buckets",
    "",
    "Upper bounds in the unit of the metric; `+Inf` is always there. Each histogram is three series: `_bucket`, `_sum` and `_count`.",
    "",
    table(
      ["Series", "Bounds"],
      names.filter((name) => seriesType(name) === "histogram").map((name) => [code(seriesName(name)), bounds(METRICS[name])]),
    ),
    "",
    "## Node.js",
    "",
    "From OpenTelemetry's Node.js instrumentation, under its names.",
    "",
    table(
      ["Series", "Type", "Unit", "Labels", "Meaning"],
      RUNTIME_METRICS.map((entry) => [code(entry.series), entry.type, entry.unit, labels(entry.labels), entry.description]),
    ),
    "",
  ].join("\n");
}

/** The whole of `docs/errors.md`, made from the error code registry. */
export function errorsReference(): string {
  const entries: [string, ErrorCodeEntry][] = Object.entries(ERROR_CODES);
  return [
    "# Error codes",
    "",
    "Generated from the error code registry by `npm run gen`; do not edit. A code is the log field `code`, the label `error_type` or `outcome`",
    "of a metric, the SOCKS5 reply and HTTP status of the gateway, and the gRPC status of management, all at once. `OK` is success.",
    "",
    table(
      ["Code", "Meaning", "Log level", "gRPC status", "SOCKS5 reply", "HTTP status"],
      entries.map(([name, { description, level, grpcStatus, socksReply, httpStatus }]) => [
        code(name),
        description,
        level,
        grpcStatus,
        `0x${socksReply.toString(16).padStart(2, "0")}`,
        String(httpStatus),
      ]),
    ),
    "",
  ].join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}

function labels(attributes: readonly string[]): string {
  return attributes.map((attribute) => code(labelName(attribute))).join(", ");
}

function bounds({ buckets = [] }: MetricEntry): string {
  return buckets.join(", ");
}
