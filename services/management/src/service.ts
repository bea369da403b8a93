import type { ServiceDefinition } from "@shadowfleet/runtime";
import { createApp } from "./app.ts";
import { loadManagementConfig, type ManagementConfig } from "./config.ts";
import { VERSION } from "./version.ts";

export const managementService: ServiceDefinition<ManagementConfig> = {
  name: "management",
  version: VERSION,
  summary: "the fleet's control plane",
  load: loadManagementConfig,
  createApp,
  adminDefaultPort: 9104,
};
