export { createApp, type UdpRelayApp, type UdpRelayDeps } from "./app.ts";
export { loadUdpRelayConfig, type UdpRelayConfig } from "./config.ts";
export { udpRelayService } from "./service.ts";
