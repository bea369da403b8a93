export { createApp, type TcpRelayApp, type TcpRelayDeps } from "./app.ts";
export { loadTcpRelayConfig, type TcpRelayConfig } from "./config.ts";
export { tcpRelayService } from "./service.ts";
