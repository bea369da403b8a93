import { type ConfigSource, commonConfigShape, parseWith } from "@shadowfleet/runtime";
import { z } from "zod";

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

const listenSchema = z.strictObject({
  host: z.string().regex(LOOPBACK, "must be a loopback address: the gRPC API has no TLS settings yet").default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(9190),
});

const managementSchema = z.strictObject({
  ...commonConfigShape,
  /** Where the gRPC API is served. */
  grpc: listenSchema.prefault({}),
});

export type ManagementConfig = z.output<typeof managementSchema>;

/** Reads management's configuration; throws ConfigError with every problem. */
export function loadManagementConfig(source: ConfigSource): ManagementConfig {
  return parseWith(managementSchema, source.data, source.name);
}
