export { createApp, type ManagementApp, type ManagementDeps } from "./app.ts";
export { loadManagementConfig, type ManagementConfig } from "./config.ts";
export { managementService } from "./service.ts";
export type { ManagementTiming } from "./timing.ts";
