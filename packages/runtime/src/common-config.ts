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

/** What every service's configuration has; spread it into the service's own `z.strictObject`. Durations are milliseconds after parsing. */
export const commonConfigShape = {
  admin: adminSchema.prefault({}),
  log: logSchema.prefault({}),
  /** How long live sessions may go on once the process drains. */
  drainTimeout: durationMs().prefault("30s"),
  /** How long the process goes on accepting, not ready already, before it drains: for load balancers that need a moment to notice. */
  drainDelay: durationMs().prefault("0s"),
};

const commonConfigSchema = z.strictObject(commonConfigShape);

/** What the runtime itself reads of a service's configuration. */
export type CommonConfig = Readonly<z.output<typeof commonConfigSchema>>;

/** The common part of a configuration that has more. */
export function commonConfigOf(config: CommonConfig): CommonConfig {
  const { admin, log, drainTimeout, drainDelay } = config;
  return { admin, log, drainTimeout, drainDelay };
}
