import type { ServiceDefinition } from "@shadowfleet/runtime";
import { MemoryFailCounts } from "@shadowfleet/store";
import manifest from "../package.json" with { type: "json" };
import { createApp } from "./app.ts";
import { type GatewayConfig, loadGatewayConfig } from "./config.ts";

/** The service as `runService` runs it: failCnt lives in this process. */
export const gatewayService: ServiceDefinition<GatewayConfig> = {
  name: "gateway",
  version: manifest.version,
  summary: manifest.description,
  load: loadGatewayConfig,
  createApp: (config, deps) => createApp(config, { ...deps, failCounts: new MemoryFailCounts() }),
  adminDefaultPort: 9103,
  adminOf: ({ admin }) => admin,
  drainTimeoutMsOf: ({ drainTimeout }) => drainTimeout,
  logOf: ({ log }) => log,
};
