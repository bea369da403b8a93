import { context, type DiagLogger, DiagLogLevel, diag, propagation, trace } from "@opentelemetry/api";
import { envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { NodeSDK, type NodeSDKConfiguration } from "@opentelemetry/sdk-node";
import {
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_NAMESPACE,
  ATTR_SERVICE_VERSION,
} from "@opentelemetry/semantic-conventions";
import type { Logger } from "./logger.ts";
import { traceSampler } from "./trace-sampler.ts";
import type { TracingOptions } from "./tracing.ts";

export type SpanProcessor = NonNullable<NodeSDKConfiguration["spanProcessors"]>[number];

const SERVICE_NAMESPACE = "shadowfleet";
/** The SDK complains of every batch it could not send. */
const COMPLAINT_INTERVAL_MS = 60_000;

/**
 * The tracing part of OpenTelemetry's SDK for Node.js, registered with the API: no instrumentation, no loader hooks, no metrics, no logs. This
 * file is loaded only where spans are wanted.
 */
export function startSdk(options: TracingOptions & { readonly endpoint: string }): { shutdown(): Promise<void> } {
  const { traces, serviceName, version, instanceId, logger, spanProcessor, endpoint } = options;
  if (!spanProcessor) nameEndpoint(endpoint);
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: serviceName,
      [ATTR_SERVICE_NAMESPACE]: SERVICE_NAMESPACE,
      [ATTR_SERVICE_VERSION]: version,
      [ATTR_SERVICE_INSTANCE_ID]: instanceId,
    }),
    resourceDetectors: [envDetector],
    sampler: traceSampler(traces.sampleRatio),
    ...(spanProcessor ? { spanProcessors: [spanProcessor] } : {}),
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  diag.setLogger(complaints(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return {
    async shutdown() {
      try {
        await sdk.shutdown();
      } finally {
        for (const api of [trace, context, propagation, diag]) api.disable();
      }
    },
  };
}

/**
 * The SDK makes its exporter from the variables that OpenTelemetry specifies: so ours is named there, and everything else they can say (headers,
 * certificates, batch sizes) applies too.
 */
function nameEndpoint(endpoint: string): void {
  const url = new URL(endpoint);
  if (url.pathname === "/") url.pathname = "/v1/traces";
  const { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: asked } = process.env;
  Object.assign(process.env, {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url.href,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: asked === "http/json" ? asked : "http/protobuf",
  });
}

/** What the SDK has to say, as log lines; the same complaint comes with every batch, hence at most one a minute. */
function complaints(logger: Logger): DiagLogger {
  let quietUntilMs = 0;
  const tell = (message: string): void => {
    const nowMs = performance.now();
    if (nowMs < quietUntilMs) return;
    quietUntilMs = nowMs + COMPLAINT_INTERVAL_MS;
    logger.warn({ reason: reasonOf(message) }, "spans are lost");
  };
  const ignore = (): void => {};
  return { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
}

/** Errors come as JSON of everything, stack included. */
function reasonOf(message: string): string {
  try {
    const { message: text, code } = JSON.parse(message) as { readonly message?: string; readonly code?: string };
    return text || code || message;
  } catch {
    return message;
  }
}
