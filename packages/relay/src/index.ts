export type { AccessKey, TrafficMeter } from "./access-key.ts";
export { AccessKeyTable, type KeyChanges } from "./access-key-table.ts";
export { logConfigWarnings, logFleetChange } from "./config-warnings.ts";
export { type FleetConfig, fleetSchema } from "./fleet/fleet-schema.ts";
export { type MemberDeps, type MemberRelay, type MemberTiming, RelayMember, type RelayMemberOptions } from "./fleet/relay-member.ts";
export type { KeyLimiter } from "./limits/key-limiter.ts";
export { LiveSessions } from "./live-sessions.ts";
export { type LoadedRelayConfig, loadRelayConfig, type RelayFlags } from "./load-relay-config.ts";
export type { PortKeys } from "./port-keys.ts";
export { createPortHandshake, openPortDatagram } from "./port-opening.ts";
export { type OpenPort, type PortBinding, PortSupervisor, type PortSupervisorOptions } from "./port-supervisor.ts";
export {
  type KeyConfig,
  type PortConfig,
  type PortPatch,
  type PortPlugin,
  type PortsChange,
  RELAY_CAPS,
  type RelayConfig,
  type SharedReplayConfig,
} from "./relay-config.ts";
export { type ObservedRelay, observeRelay } from "./relay-metrics.ts";
export { relayConfigSchema } from "./relay-schema.ts";
export type { SessionEnd } from "./session-end.ts";
export type { LiveSession, SessionRegistry } from "./session-registry.ts";
export type { SaltClaim, SharedSalts } from "./shared-salts.ts";
export { StoreSalts } from "./shared-salts-store.ts";
export { sourceNetwork } from "./source-network.ts";
export { createTargetGuard, sameTargets, type TargetGuard, type TargetGuardOptions, type TargetRules } from "./target-guard.ts";
export { type LedgerEntry, TrafficLedger } from "./traffic-ledger.ts";
export { TrialBudget, type TrialLimits, trialLimitsOf } from "./trial-budget.ts";
