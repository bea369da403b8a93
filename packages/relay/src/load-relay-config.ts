import {
  type CommonConfig,
  ConfigError,
  type ConfigProblem,
  type ConfigSource,
  commonConfigOf,
  parseWith,
  workerCount,
} from "@shadowfleet/runtime";
import { readDescriptorLimit } from "@shadowfleet/transport";
import { isClassic, readClassic } from "./classic-config.ts";
import { automaticMaxConnections, automaticMaxStrangers, automaticMaxUdpSessions } from "./connection-cap.ts";
import type { FleetConfig } from "./fleet/fleet-schema.ts";
import { type PortDraft, type PortPlanOptions, planPorts } from "./port-plan.ts";
import type { RelayConfig } from "./relay-config.ts";
import { type PortInput, type RelaySettingsInput, relayConfigSchema, relaySettingsSchema } from "./relay-schema.ts";

/** What the command line adds to a file. */
export interface RelayFlags {
  readonly allowPrivateTargets?: boolean;
}

/** A relay's configuration and what its process needs besides. */
export interface LoadedRelayConfig extends RelayConfig, CommonConfig {
  /** Processes that serve side by side. */
  readonly workers: number;
  /** "classic": the ancestor's config.json. */
  readonly dialect: "fleet" | "classic";
  readonly warnings: readonly string[];
}

/** SIP022 §3.2.3: a UDP session, and with it its replay window, has to outlive what its timestamps allow. */
const SIP022_MIN_UDP_IDLE_MS = 60_000;

const FLEET_ADVICE = "set allowInsecureCiphers: true to serve it all the same, or use chacha20-ietf-poly1305";
const CLASSIC_ADVICE =
  'as do all methods of the original server: add "allowInsecureCiphers": true at the top level of this file to serve it all the same, ' +
  'or set "method": "chacha20-ietf-poly1305" here and in the clients';

const CLASSIC_FLEET =
  "is not known in this file format: write a file with fleet and without server_port, port_password, password and local_port";

/**
 * A relay's configuration from our own format or from the ancestor's config.json, told apart by their keys. Throws ConfigError with every
 * problem found. Unknown keys are an error in our format and a warning in the ancestor's.
 */
export function loadRelayConfig(source: ConfigSource, flags: RelayFlags = {}): LoadedRelayConfig {
  const classic = isClassic(source.data) ? readClassic(source.data) : undefined;
  if (!classic) {
    const { ports, fleet, workers, ...settings } = parseWith(relayConfigSchema, source.data, source.name);
    const problems: ConfigProblem[] = [];
    if (!ports && !fleet) problems.push({ path: "ports", reason: "required (array), or fleet, whose management knows the ports" });
    if (ports && fleet) problems.push({ path: "fleet", reason: "cannot be given with ports: a fleet's ports come from its management" });
    const drafts = (ports ?? []).map((port, index) => draftOf(port, `ports[${index}]`, problems));
    return assemble(source, flags, { dialect: "fleet", drafts, fleet, workers: workerCount(workers), settings, problems, warnings: [] });
  }
  const problems = [...classic.problems];
  const settings = collect(problems, () => parseWith(relaySettingsSchema, classic.settings, source.name));
  if ("fleet" in (source.data as object)) problems.push({ path: "fleet", reason: CLASSIC_FLEET });
  return assemble(source, flags, {
    dialect: "classic",
    drafts: classic.drafts,
    fleet: undefined,
    workers: 1,
    settings,
    problems,
    warnings: classic.warnings,
  });
}

interface Parts {
  readonly dialect: "fleet" | "classic";
  readonly drafts: readonly PortDraft[];
  readonly fleet: FleetConfig | undefined;
  readonly workers: number;
  /** Undefined when they were refused; the problems say why. */
  readonly settings: RelaySettingsInput | undefined;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

function assemble(source: ConfigSource, flags: RelayFlags, parts: Parts): LoadedRelayConfig {
  const { dialect, settings } = parts;
  const options: PortPlanOptions = {
    allowInsecureCiphers: settings?.allowInsecureCiphers ?? false,
    insecureAdvice: dialect === "classic" ? CLASSIC_ADVICE : FLEET_ADVICE,
  };
  const plan = planPorts(parts.drafts, options);
  const problems = [...parts.problems, ...plan.problems];
  const has2022 = plan.ports.some(({ keys }) => keys[0]?.credential.method.kind === "aead-2022");
  if (has2022 && settings && settings.timeouts.udpIdle < SIP022_MIN_UDP_IDLE_MS) {
    problems.push({
      path: "timeouts.udpIdle",
      reason: "must be at least 60s with 2022 methods, whose replay windows end with the session",
    });
  }
  if (settings?.plugins && parts.workers > 1) {
    problems.push({ path: "plugins", reason: "cannot be given with workers: a port's plugin is one process" });
  }
  if (!settings || problems.length > 0) throw new ConfigError(source.name, problems);
  const warnings = [...parts.warnings, ...plan.warnings];
  const allowPrivateTargets = settings.allowPrivateTargets || flags.allowPrivateTargets === true;
  const membership = parts.fleet ? { fleet: parts.fleet } : {};
  return {
    ...relayConfigOf(settings, parts.workers),
    ...commonConfigOf(settings),
    ports: plan.ports,
    ...membership,
    allowPrivateTargets,
    workers: parts.workers,
    dialect,
    warnings,
  };
}

function relayConfigOf(settings: RelaySettingsInput, workers: number): Omit<RelayConfig, "ports" | "fleet" | "allowPrivateTargets"> {
  const { timeouts, limits, targets, replayFilter, sharedReplay, allowSegmentedHeader, allowInsecureCiphers, proxyProtocol, plugins } =
    settings;
  // Each worker has as many of its own.
  const descriptors = readDescriptorLimit() * workers;
  const maxConnections = limits.maxConnections === "auto" ? automaticMaxConnections(descriptors) : limits.maxConnections;
  return {
    allowInsecureCiphers,
    handshakeTimeoutMs: timeouts.handshake,
    dialTimeoutMs: timeouts.dial,
    idleTimeoutMs: timeouts.idle,
    udpIdleTimeoutMs: timeouts.udpIdle,
    maxConnections,
    maxStrangersPerSource: limits.strangersPerSource,
    maxStrangers: limits.strangers === "auto" ? automaticMaxStrangers(maxConnections) : limits.strangers,
    keyTrialsPerSource: limits.keyTrialsPerSource,
    keyTrials: limits.keyTrials,
    maxUdpSessionsPerKey: limits.udpSessionsPerKey,
    maxUdpSessions: limits.udpSessions === "auto" ? automaticMaxUdpSessions(descriptors) : limits.udpSessions,
    replayFilter,
    sharedReplay: {
      sip004: sharedReplay.sip004,
      sip004WindowMs: sharedReplay.sip004Window,
      whenUnavailable: sharedReplay.whenUnavailable,
    },
    limitsWhenUnavailable: limits.whenUnavailable,
    allowSegmentedHeader,
    ...(proxyProtocol ? { proxyProtocol } : {}),
    ...(plugins ? { plugins } : {}),
    allowTargets: targets.allow,
    denyTargets: targets.deny,
  };
}

function draftOf(input: PortInput, path: string, problems: ConfigProblem[]): PortDraft {
  const { host, port, method, password, keys, identityKey } = input;
  if ((password === undefined) === (keys === undefined)) problems.push({ path, reason: "needs either password or keys" });
  const id = String(port);
  const single = password === undefined ? [] : [{ path: `${path}.password`, id, name: id, secret: password }];
  const many = (keys ?? []).map(({ id, name, secret, targets }, index) => {
    return { path: `${path}.keys[${index}]`, id, name: name ?? id, secret, targets };
  });
  return { path, portPath: `${path}.port`, methodPath: `${path}.method`, host, port, method, identityKey, keys: [...single, ...many] };
}

function collect<T>(problems: ConfigProblem[], parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}
