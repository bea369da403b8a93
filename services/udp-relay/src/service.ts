import { withAeadBackend } from "@shadowfleet/aead-native";
import { RELAY_CAPS } from "@shadowfleet/relay";
import { type ServiceDefinition, withSharedCaps } from "@shadowfleet/runtime";
import manifest from "../package.json" with { type: "json" };
import { createApp } from "./app.ts";
import { loadUdpRelayConfig, type UdpRelayConfig } from "./config.ts";

/** The service as `runService` runs it. */
export const udpRelayService: ServiceDefinition<UdpRelayConfig> = {
  name: "udp-relay",
  version: manifest.version,
  summary: manifest.description,
  load: loadUdpRelayConfig,
  workers: ({ workers }) => workers,
  createApp: withAeadBackend(withSharedCaps<UdpRelayConfig>(createApp, RELAY_CAPS)),
  adminDefaultPort: 9102,
  extraFlags: ["allow-private-targets"],
};
