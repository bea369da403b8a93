import { withAeadBackend } from "@shadowfleet/aead-native";
import type { ServiceDefinition } from "@shadowfleet/runtime";
import { createApp } from "./app.ts";
import { loadStandaloneConfig, type StandaloneConfig } from "./config.ts";

export const standaloneService: ServiceDefinition<StandaloneConfig> = {
  name: "standalone",
  version: "0.1.0",
  summary: "gateway, tcp-relay, udp-relay and management in one process, with a demo access key",
  load: loadStandaloneConfig,
  createApp: withAeadBackend((config, deps) => createApp(config, deps, (text) => process.stdout.write(`${text}\n`))),
  adminDefaultPort: 9100,
};
