import type { TracesConfig } from "./common-config.ts";
import { connectionTracer, type TraceConnection } from "./connection-span.ts";
import { timeLimit } from "./deadline.ts";
import type { Logger } from "./logger.ts";
import type { SpanProcessor } from "./trace-sdk.ts";

export interface TracingOptions {
  readonly traces: TracesConfig;
  /** Resource attributes; OTEL_RESOURCE_ATTRIBUTES adds to them and stands above them. */
  readonly serviceName: string;
  readonly version: string;
  readonly instanceId: string;
  readonly logger: Logger;
  /** Takes the spans in the place of the OTLP exporter. */
  readonly spanProcessor?: SpanProcessor;
}

/** Spans of this process, made through OpenTelemetry's API wherever there is something to trace. */
export interface Tracing {
  /** Undefined while proxied connections get no spans. */
  readonly traceConnection: TraceConnection | undefined;
  /** Sends what there is, in a bounded time. Never rejects: a collector that is away holds nobody up. */
  shutdown(): Promise<void>;
}

const OFF: Tracing = { traceConnection: undefined, shutdown: async () => {} };
const LAST_EXPORT_MS = 2_000;

/** Registers the SDK with the API when an endpoint is configured; without one the API's own no-ops stay, which cost next to nothing. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { traces, logger } = options;
  if (traces.endpoint === undefined) return OFF;
  // Only now: loading the SDK takes a quarter of a second and 15 MB.
  const { startSdk } = await import("./trace-sdk.ts");
  const sdk = startSdk({ ...options, endpoint: traces.endpoint });
  return {
    traceConnection: connectionTracer(traces.dataPlaneSampleRatio),
    async shutdown() {
      const isSent = await timeLimit(sdk.shutdown(), LAST_EXPORT_MS).catch(() => false);
      if (!isSent) logger.warn("the last spans were not sent");
    },
  };
}
