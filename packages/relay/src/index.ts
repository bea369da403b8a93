export type { AccessKey, TrafficMeter } from "./access-key.ts";
export type { PortKeys } from "./port-keys.ts";
export type { KeyConfig, PortConfig, RelayConfig } from "./relay-config.ts";
export type { LiveSession, SessionRegistry } from "./session-registry.ts";
export type { TargetGuard } from "./target-guard.ts";
