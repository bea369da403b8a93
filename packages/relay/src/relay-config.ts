import type { KeyLimits } from "@shadowfleet/store";
import type { Credential, Method } from "@shadowfleet/wire";
import type { FleetConfig } from "./fleet/fleet-schema.ts";
import type { TargetRules } from "./target-guard.ts";

/** One access key of a port, its secret already derived. */
export interface KeyConfig {
  readonly id: string;
  readonly name: string;
  readonly credential: Credential;
  /** The secret being rotated out: opens sessions of the key as well. */
  readonly previousCredential?: Credential | undefined;
  /** What it may reach beyond the relay's rule, and what it may not. */
  readonly targets?: TargetRules | undefined;
  /** Only of keys of a fleet, over all its relays. */
  readonly limits?: KeyLimits | undefined;
}

/** One listening port, served with TCP by tcp-relay and UDP by udp-relay. */
export interface PortConfig {
  /** Bind address; "::" is IPv6 and IPv4. */
  readonly host: string;
  readonly port: number;
  /**
   * All of one method; at least one where `method` is not given. Many keys: trial decryption (SIP004) or identity headers (SIP022, with
   * `identityKey`).
   */
  readonly keys: readonly KeyConfig[];
  /** That of the keys. A port without keys needs it: it listens and knows nobody. */
  readonly method?: Method;
  /** SIP023: the port's iPSK. */
  readonly identityKey: Buffer | undefined;
}

/** A change of some keys of a port that is served already and stays what it is. */
export interface PortPatch {
  readonly port: number;
  /** Keys that are new or have changed. */
  readonly put: readonly KeyConfig[];
  /** Ids of keys that are not in force any more. */
  readonly removed: readonly string[];
}

/** A change of what is served: all at once, the rest untouched. */
export interface PortsChange {
  /** New, or in a new form, with all their keys. */
  readonly served: readonly PortConfig[];
  readonly patches: readonly PortPatch[];
  /** Not served any more. */
  readonly gone: readonly number[];
}

/** A SIP003 plugin in front of TCP ports. It listens in their place and forwards to the relay on loopback. */
export interface PortPlugin {
  /** Absolute path. */
  readonly program: string;
  readonly pluginOptions: string;
  /** Undefined: every port. */
  readonly ports?: readonly number[] | undefined;
}

/** The replay filter that relays share, where they have one. */
export interface SharedReplayConfig {
  /** SIP004 too, unless its filter is off; SIP022's salts are always shared. */
  readonly sip004: boolean;
  readonly sip004WindowMs: number;
  /** What becomes of a client whose salt nobody can look up. */
  readonly whenUnavailable: "accept" | "refuse";
}

/** What both relays are configured with, whichever file format it came from. All times in milliseconds. */
export interface RelayConfig {
  /** Empty for a member of a fleet, whose ports come from management. */
  readonly ports: readonly PortConfig[];
  /** Undefined: the file says it all. */
  readonly fleet?: FleetConfig | undefined;
  /** Whether management may give this relay ports with stream ciphers. */
  readonly allowInsecureCiphers?: boolean;
  readonly handshakeTimeoutMs: number;
  readonly dialTimeoutMs: number;
  /** TCP idle timeout; the ancestor's `timeout`. */
  readonly idleTimeoutMs: number;
  readonly udpIdleTimeoutMs: number;
  /** Live TCP connections a port accepts before it pauses. */
  readonly maxConnections: number;
  /** Live TCP connections without a key (yet), of all ports; the oldest gives way. */
  readonly maxStrangersPerSource: number;
  readonly maxStrangers: number;
  /** Keys tried in vain a second, on SIP004 ports with many keys. */
  readonly keyTrialsPerSource: number;
  readonly keyTrials: number;
  /** UDP sessions: cap per access key and in all; the least recently used of the key goes first, in all that of the key that has most. */
  readonly maxUdpSessionsPerKey: number;
  readonly maxUdpSessions: number;
  /** SIP004 replay filter on or off; SIP022's is always on. */
  readonly replayFilter: boolean;
  readonly sharedReplay: SharedReplayConfig;
  /** What becomes of a key whose limits nobody can look up, once it has used what the fleet had given to this relay. */
  readonly limitsWhenUnavailable: "continue" | "refuse";
  readonly allowSegmentedHeader: boolean;
  /** TCP: who puts a PROXY protocol header in front of each connection, as addresses and blocks. Undefined: nobody. */
  readonly proxyProtocol?: { readonly trustedSources: readonly string[] } | undefined;
  /** At most one for a port. Only from the relay's own file: management never names a program. */
  readonly plugins?: readonly PortPlugin[] | undefined;
  readonly allowPrivateTargets: boolean;
  /** CIDRs and host names that are allowed though the guard's table forbids them; CIDRs that are forbidden though it allows them. Deny wins. */
  readonly allowTargets: readonly string[];
  readonly denyTargets: readonly string[];
  /** Sentences about this configuration for `logConfigWarnings`. */
  readonly warnings?: readonly string[];
}

/** What a relay's configuration limits for the service as a whole: workers share it. */
export const RELAY_CAPS = [
  "maxConnections",
  "maxUdpSessionsPerKey",
  "maxUdpSessions",
  "maxStrangersPerSource",
  "maxStrangers",
  "keyTrialsPerSource",
  "keyTrials",
] as const satisfies readonly (keyof RelayConfig)[];
