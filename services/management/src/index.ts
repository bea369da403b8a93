export { createApp, type ManagementApp } from "./app.ts";
export { loadManagementConfig, type ManagementConfig } from "./config.ts";
export { managementService } from "./service.ts";
