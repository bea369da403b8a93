export { createApp, type GatewayApp, type GatewayDeps } from "./app.ts";
export { type GatewayConfig, loadGatewayConfig } from "./config.ts";
export { gatewayService } from "./service.ts";
export type { SessionEnd } from "./session/session-end.ts";
export type { UserTraffic } from "./session/traffic.ts";
export { explainPick, type PickExplanation } from "./upstream/explain.ts";
export type { Upstream } from "./upstream/upstream.ts";
