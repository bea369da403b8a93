import { withAeadBackend } from "@shadowfleet/aead-native";
import { type ServiceDefinition, withSharedCaps } from "@shadowfleet/runtime";
import manifest from "../package.json" with { type: "json" };
import { createApp } from "./app.ts";
import { type GatewayConfig, loadGatewayConfig } from "./config.ts";

/** Meant for the gateway as a whole. */
const CAPS = ["maxConnections", "maxHandshakes", "maxUdpAssociations"] as const;

/** The service as `runService` runs it. */
export const gatewayService: ServiceDefinition<GatewayConfig> = {
  name: "gateway",
  version: manifest.version,
  summary: manifest.description,
  load: loadGatewayConfig,
  workers: ({ workers }) => workers,
  createApp: withAeadBackend(withSharedCaps<GatewayConfig>(createApp, CAPS)),
  adminDefaultPort: 9103,
};
