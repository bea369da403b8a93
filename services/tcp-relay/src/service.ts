import { withAeadBackend } from "@shadowfleet/aead-native";
import { RELAY_CAPS } from "@shadowfleet/relay";
import { type ServiceDefinition, systemClock, withSharedCaps } from "@shadowfleet/runtime";
import manifest from "../package.json" with { type: "json" };
import { createApp } from "./app.ts";
import { loadTcpRelayConfig, type TcpRelayConfig } from "./config.ts";
import { groupSaltAnswers } from "./group-salts.ts";

/** The service as `runService` runs it. */
export const tcpRelayService: ServiceDefinition<TcpRelayConfig> = {
  name: "tcp-relay",
  version: manifest.version,
  summary: manifest.description,
  load: loadTcpRelayConfig,
  workers: ({ workers }) => workers,
  groupAnswers: () => groupSaltAnswers(systemClock),
  createApp: withAeadBackend(withSharedCaps<TcpRelayConfig>(createApp, RELAY_CAPS)),
  adminDefaultPort: 9101,
  extraFlags: ["allow-private-targets"],
};
