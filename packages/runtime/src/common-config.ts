import { z } from "zod";
import { LOG_FORMATS, LOG_THRESHOLDS } from "./logger.ts";
import { durationMs, listenPort } from "./quantities.ts";

/** `admin`: where health and metrics are served. Loopback unless said otherwise; without `port`, the service's default one. */
export const adminSchema = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: listenPort().optional(),
});

/** `log`: threshold and line format. */
export const logSchema = z.strictObject({
  level: z.enum(LOG_THRESHOLDS).default("info"),
  format: z.enum(LOG_FORMATS).default("json"),
});

const ratio = () => z.number().min(0).max(1);

/** `telemetry`: where spans of this process go. */
export const telemetrySchema = z.strictObject({
  traces: z
    .strictObject({
      /** OTLP over HTTP. A URL without a path gets /v1/traces. Absent: no spans are made. */
      endpoint: z.url({ protocol: /^https?$/, error: 'must be a URL such as "http://otel-collector:4318"' }).optional(),
      /** Share of the traces begun here that are kept, of calls to management and what follows from them. */
      sampleRatio: ratio().default(1),
      /** Share of proxied connections that get a span. */
      dataPlaneSampleRatio: ratio().default(0),
    })
    .prefault({}),
});

/** What every service's configuration has; spread it into the service's own `z.strictObject`. Durations are milliseconds after parsing. */
export const commonConfigShape = {
  admin: adminSchema.prefault({}),
  log: logSchema.prefault({}),
  telemetry: telemetrySchema.prefault({}),
  /** How long live sessions may go on once the process drains. */
  drainTimeout: durationMs().prefault("30s"),
  /** How long the process goes on accepting, not ready already, before it drains: for load balancers that need a moment to notice. */
  drainDelay: durationMs().prefault("0s"),
};

const commonConfigSchema = z.strictObject(commonConfigShape);

/** What the runtime itself reads of a service's configuration. */
export type CommonConfig = Readonly<z.output<typeof commonConfigSchema>>;

export type TracesConfig = CommonConfig["telemetry"]["traces"];

/** The common part of a configuration that has more. */
export function commonConfigOf(config: CommonConfig): CommonConfig {
  const { admin, log, telemetry, drainTimeout, drainDelay } = config;
  return { admin, log, telemetry, drainTimeout, drainDelay };
}
