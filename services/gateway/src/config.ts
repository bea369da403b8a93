import { type CommonConfig, ConfigError, type ConfigSource, commonConfigOf, workerCount } from "@shadowfleet/runtime";
import type { FleetConfig } from "./fleet/fleet-schema.ts";
import { isClassicFile, readClassicFile } from "./formats/classic-file.ts";
import { readOwnFile } from "./formats/own-file.ts";
import { isFields, type ParsedFile } from "./formats/parsed-file.ts";
import { planUpstreams } from "./formats/upstream-plan.ts";
import type { ProxyUser } from "./front/proxy-users.ts";
import type { PolicyName } from "./upstream/policy.ts";
import type { Upstream } from "./upstream/upstream.ts";

/** What the gateway runs by, whichever file format it came from. */
export interface GatewayConfig extends CommonConfig {
  readonly listen: { readonly host: string; readonly port: number };
  /** Empty: whoever reaches the port may use it. */
  readonly users: readonly ProxyUser[];
  /** In a fleet: those management named last; none in the file. */
  readonly upstreams: readonly Upstream[];
  /** Undefined: a gateway by itself. */
  readonly fleet: FleetConfig | undefined;
  readonly allowInsecureCiphers: boolean;
  readonly policy: PolicyName;
  readonly handshakeTimeoutMs: number;
  readonly dialTimeoutMs: number;
  /** 0: never. */
  readonly idleTimeoutMs: number;
  readonly udpIdleTimeoutMs: number;
  readonly firstPayloadWaitMs: number;
  readonly maxConnections: number;
  /** Clients whose request is not complete yet; the oldest gives way. */
  readonly maxHandshakes: number;
  readonly maxUdpAssociations: number;
  /** Who puts a PROXY protocol header in front of each connection, as addresses and blocks. Undefined: nobody. */
  readonly proxyProtocol: { readonly trustedSources: readonly string[] } | undefined;
  /** Processes that serve side by side. */
  readonly workers: number;
  /** "classic": the ancestor's config.json. */
  readonly dialect: "fleet" | "classic";
  readonly warnings: readonly string[];
}

/**
 * The gateway's configuration from its own format or from the ancestor's config.json, told apart by their keys. Throws ConfigError with every
 * problem found; none quotes a secret. Takes flags as every service does and has none of its own.
 */
export function loadGatewayConfig(source: ConfigSource, _flags?: unknown): GatewayConfig {
  const { name, data } = source;
  const file = isClassicFile(data) ? readClassicFile({ name, data }) : readOwnFile(source);
  const plan = planUpstreams(file.drafts, { allowInsecureCiphers: allowsInsecureCiphers(data), plugins: pluginsOf(data) });
  const problems = [...file.problems, ...plan.problems];
  const { listen, settings } = file;
  if (problems.length > 0 || !listen || !settings) throw new ConfigError(name, problems);
  const warnings = [...file.warnings, ...plan.warnings];
  if (settings.users.length === 0 && !isLoopback(listen.host)) {
    warnings.push(`listening on ${listen.host} without users: whoever reaches the port may use it`);
  }
  if (plan.upstreams.length === 0 && !file.fleet) warnings.push("no upstream is configured: every request will be refused");
  return {
    ...settingsOf(settings),
    listen,
    upstreams: plan.upstreams,
    fleet: file.fleet,
    workers: workerCount(file.workers),
    dialect: file.dialect,
    warnings,
  };
}

/** Asked of the raw data, so that a problem elsewhere does not make every stream cipher look like one more. */
function allowsInsecureCiphers(data: unknown): boolean {
  return (data as { readonly allowInsecureCiphers?: unknown } | null)?.allowInsecureCiphers === true;
}

/** Of the raw data for the same reason. */
function pluginsOf(data: unknown): ReadonlyMap<string, string> {
  const { plugins } = (data ?? {}) as { readonly plugins?: unknown };
  return new Map(isFields(plugins) ? Object.entries(plugins).map(([name, program]) => [name, String(program)]) : []);
}

function settingsOf(
  settings: NonNullable<ParsedFile["settings"]>,
): Omit<GatewayConfig, "listen" | "upstreams" | "fleet" | "workers" | "dialect" | "warnings"> {
  const { users, policy, timeouts, limits, allowInsecureCiphers, proxyProtocol } = settings;
  return {
    users,
    policy,
    allowInsecureCiphers,
    handshakeTimeoutMs: timeouts.handshake,
    dialTimeoutMs: timeouts.dial,
    idleTimeoutMs: timeouts.idle,
    udpIdleTimeoutMs: timeouts.udpIdle,
    firstPayloadWaitMs: timeouts.firstPayloadWait,
    maxConnections: limits.maxConnections,
    maxHandshakes: limits.handshakes,
    maxUdpAssociations: limits.udpAssociations,
    proxyProtocol,
    ...commonConfigOf(settings),
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
