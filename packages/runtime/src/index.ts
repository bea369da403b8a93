export type { App, AppDeps, Readiness } from "./app.ts";
export { type Clock, ManualClock, systemClock } from "./clock.ts";
export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry, errorEntry, type GrpcStatus, type LogLevel } from "./error-codes.ts";
export { codeOf, FleetError } from "./fleet-error.ts";
export type { Logger } from "./logger.ts";
export { METRICS, type MetricEntry, type MetricKind, type MetricName } from "./metric-registry.ts";
export type { Attributes, Metrics, Observation } from "./metrics.ts";
