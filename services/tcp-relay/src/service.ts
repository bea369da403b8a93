import type { ServiceDefinition } from "@shadowfleet/runtime";
import manifest from "../package.json" with { type: "json" };
import { createApp } from "./app.ts";
import { loadTcpRelayConfig, type TcpRelayConfig } from "./config.ts";

/** The service as `runService` runs it. */
export const tcpRelayService: ServiceDefinition<TcpRelayConfig> = {
  name: "tcp-relay",
  version: manifest.version,
  summary: manifest.description,
  load: loadTcpRelayConfig,
  createApp,
  adminDefaultPort: 9101,
  adminOf: ({ admin }) => admin,
  drainTimeoutMsOf: ({ drainTimeout }) => drainTimeout,
  logOf: ({ log }) => log,
  extraFlags: ["allow-private-targets"],
};
