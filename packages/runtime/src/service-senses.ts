import { hostname } from "node:os";
import type { CommonConfig } from "./common-config.ts";
import { createLogger, type Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { createMetrics } from "./prometheus-metrics.ts";
import type { ServiceDefinition } from "./service-definition.ts";
import type { ServiceHost } from "./service-host.ts";
import { startTracing, type Tracing } from "./tracing.ts";
import type { WorkerSeat } from "./workers/worker-seat.ts";

/** What a process of a service shows of itself. */
export interface ServiceSenses {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

/** Log, metrics and traces as configured; those of a worker say which one it is. */
export async function openSenses<Config extends CommonConfig>(
  { name, version }: ServiceDefinition<Config>,
  config: Config,
  { logDestination: destination }: ServiceHost,
  seat?: WorkerSeat,
): Promise<ServiceSenses> {
  const { traces } = config.telemetry;
  const identity = { serviceName: name, version, instanceId: `${hostname()}-${process.pid}` };
  const log = createLogger({ name, ...config.log, traced: traces.endpoint !== undefined, ...(destination ? { destination } : {}) });
  const logger = seat ? log.child({ worker: seat.index }) : log;
  const tracing = await startTracing({ ...identity, traces, logger });
  const metrics = createMetrics({
    ...identity,
    onReadError: (error) => logger.error({ code: "INTERNAL", err: error }, "a metric could not be read"),
  });
  return { logger, metrics, tracing };
}
