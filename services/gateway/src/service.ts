import { withAeadBackend } from "@shadowfleet/aead-native";
import type { ServiceDefinition } from "@shadowfleet/runtime";
import manifest from "../package.json" with { type: "json" };
import { createApp } from "./app.ts";
import { type GatewayConfig, loadGatewayConfig } from "./config.ts";

/** The service as `runService` runs it. */
export const gatewayService: ServiceDefinition<GatewayConfig> = {
  name: "gateway",
  version: manifest.version,
  summary: manifest.description,
  load: loadGatewayConfig,
  workers: ({ workers }) => workers,
  createApp: withAeadBackend(createApp),
  adminDefaultPort: 9103,
};
