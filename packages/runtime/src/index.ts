export { type AdminAddress, AdminServer, type AdminServerOptions } from "./admin-server.ts";
export type { App, AppDeps, Readiness } from "./app.ts";
export { type Clock, ManualClock, systemClock } from "./clock.ts";
export {
  adminSchema,
  type CommonConfig,
  commonConfigOf,
  commonConfigShape,
  logSchema,
  type TracesConfig,
  telemetrySchema,
} from "./common-config.ts";
export { ConfigError, type ConfigProblem } from "./config-error.ts";
export { formatPath, parseWith } from "./config-schema.ts";
export { type ConfigSource, parseConfigText, readConfigFile } from "./config-source.ts";
export { connectionTracer, type ProxiedConnection, type TraceConnection } from "./connection-span.ts";
export { createEnvironment, systemEnvironment } from "./environment.ts";
export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry, errorEntry, type GrpcStatus, type LogLevel } from "./error-codes.ts";
export { codeOf, FleetError } from "./fleet-error.ts";
export { type DrivenApp, EXIT_BAD_CONFIG, EXIT_DRAINED, EXIT_FAILED, Lifecycle, type LifecycleOptions } from "./lifecycle.ts";
export { createLogger, LOG_FORMATS, LOG_THRESHOLDS, type LogFormat, type Logger, type LoggerOptions, type LogThreshold } from "./logger.ts";
export {
  type CounterName,
  type HistogramName,
  METRICS,
  type MetricEntry,
  type MetricKind,
  type MetricName,
  type ObservedName,
} from "./metric-registry.ts";
export type { Attributes, Counter, Histogram, Metrics, Observation } from "./metrics.ts";
export { type PluginLaunch, PluginProcess, type PluginProcessOptions } from "./plugin/plugin-process.ts";
export { isPassable, pluginOptions, pluginProgram } from "./plugin/plugin-schema.ts";
export { type ProcessEvent, type ProcessHandle, systemProcess } from "./process-handle.ts";
export { createMetrics, type MetricsOptions } from "./prometheus-metrics.ts";
export {
  type DurationOptions,
  durationMs,
  type HostPort,
  hostPort,
  listenPort,
  parseBitRate,
  parseDuration,
  parseSize,
  portNumber,
  type SizeOptions,
  sizeBytes,
} from "./quantities.ts";
export { parseQuota, parseQuotaAction, type QuotaActionText, type QuotaPeriod, type QuotaText } from "./quota-text.ts";
export { redactedConfigYaml } from "./redacted-config.ts";
export { isSecretName, REDACTED, redactFields, redactText } from "./redaction.ts";
export { errorsReference, metricsReference } from "./reference.ts";
export { runService } from "./run-service.ts";
export { RUNTIME_METRICS, type RuntimeMetricEntry } from "./runtime-metric-table.ts";
export { SeriesBy } from "./series-by.ts";
export { labelName, seriesName, seriesType } from "./series-name.ts";
export type { ServiceDefinition } from "./service-definition.ts";
export { type ExtraFlag, parseServiceFlags, type ServiceFlags, usageText } from "./service-flags.ts";
export type { ServiceHost } from "./service-host.ts";
export { closestWord } from "./spelling.ts";
export type { SpanProcessor } from "./trace-sdk.ts";
export { activeTraceparent, spanContextOf } from "./traceparent.ts";
export { startTracing, type Tracing, type TracingOptions } from "./tracing.ts";
export { bindTcp } from "./workers/port-claims.ts";
export type { LinkHandlers } from "./workers/process-link.ts";
export { withSharedCaps } from "./workers/with-shared-caps.ts";
export type { WorkerContext } from "./workers/worker-context.ts";
export { workerCount, workersSchema } from "./workers/worker-seat.ts";
export { createYoungCollector } from "./young-collector.ts";
