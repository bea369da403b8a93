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

/** What every service's configuration has; spread it into the service's own `z.strictObject`. `drainTimeout` is milliseconds after parsing. */
export const commonConfigShape = {
  admin: adminSchema.prefault({}),
  log: logSchema.prefault({}),
  drainTimeout: durationMs().prefault("30s"),
};

export type AdminConfig = z.output<typeof adminSchema>;
export type LogConfig = z.output<typeof logSchema>;
