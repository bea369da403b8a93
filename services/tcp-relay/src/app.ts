import {
  AccessKeyTable,
  createTargetGuard,
  LiveSessions,
  logConfigWarnings,
  logFleetChange,
  type MemberDeps,
  type OpenPort,
  observeRelay,
  PortSupervisor,
  type RelayConfig,
  RelayMember,
  type SessionEnd,
  type SessionRegistry,
  type SharedSalts,
  StoreSalts,
  TrialBudget,
  trialLimitsOf,
} from "@shadowfleet/relay";
import { type App, type AppDeps, createEnvironment, type Readiness } from "@shadowfleet/runtime";
import { CachingResolver, type Resolver, TrustedSources } from "@shadowfleet/transport";
import type { WireEnvironment } from "@shadowfleet/wire";
import manifest from "../package.json" with { type: "json" };
import { Connections } from "./connections.ts";
import { GroupSalts } from "./group-salts.ts";
import { openRelayPort, type RelayPort } from "./port.ts";
import type { RelayContext, RelaySettings } from "./relay-context.ts";
import { SaltFilters } from "./salt-filters.ts";
import { SessionMetrics } from "./session-metrics.ts";
import { SharedReplay } from "./shared-replay.ts";
import { SilentDrain } from "./silent-drain.ts";

/** At least so long is tried to hand over the last counts when every session is over, however little is left of a drain's time. */
const LAST_FLUSH_MS = 700;

/** What the service may be given beyond every service's dependencies. */
export interface TcpRelayDeps extends AppDeps, MemberDeps {
  /** Default: one with its own cache. */
  readonly resolver?: Resolver;
  /** Where live sessions are entered; shared with others that list or cut sessions. */
  readonly sessions?: SessionRegistry;
  /** Salts that others know too. Default: those of the fleet's store, where it is one that others see. */
  readonly sharedSalts?: SharedSalts;
  /** Default: randomness of `node:crypto`, time of `clock`. */
  readonly environment?: WireEnvironment;
  /** Told once for every authenticated session when it is over. */
  readonly onSessionEnd?: (end: SessionEnd) => void;
}

/** The service, with what its owner may look at. */
export interface TcpRelayApp extends App<RelayConfig> {
  readonly keys: AccessKeyTable;
  readonly sessions: SessionRegistry;
  /** Client connections open now, with or without a key. */
  readonly connections: number;
  /** The TCP port in force for a port of the configuration (another one when that is 0); undefined while it is not bound. */
  boundPort(number: number): number | undefined;
}

/** Builds the service without I/O. `config` is validated. */
export function createApp(config: RelayConfig, deps: TcpRelayDeps): TcpRelayApp {
  return new TcpRelay(config, deps);
}

class TcpRelay implements TcpRelayApp {
  readonly keys: AccessKeyTable;
  readonly sessions: SessionRegistry;
  readonly #deps: TcpRelayDeps;
  readonly #connections = new Connections();
  readonly #saltFilters = new SaltFilters();
  readonly #listeners = new Map<number, RelayPort>();
  /** Closed, while their sessions go on. */
  readonly #leaving: RelayPort[] = [];
  readonly #ports: PortSupervisor;
  readonly #silentDrain: SilentDrain;
  readonly #context: RelayContext;
  #settings: RelaySettings;
  #member: RelayMember | undefined;
  #sharedSalts: SharedSalts | undefined;
  #draining = false;
  #unobserve: () => void = () => {};

  constructor(config: RelayConfig, deps: TcpRelayDeps) {
    this.#deps = deps;
    this.sessions = deps.sessions ?? new LiveSessions();
    this.#sharedSalts = deps.sharedSalts;
    this.#settings = settingsOf(config);
    this.keys = new AccessKeyTable(new TrialBudget(deps.clock, () => trialLimitsOf(this.#settings.config)));
    this.#silentDrain = this.#createSilentDrain();
    this.#context = this.#createContext();
    this.#ports = new PortSupervisor({
      logger: deps.logger,
      open: (port) => this.#open(port),
      onChange: () => this.#member?.portsChanged(),
    });
    this.keys.apply(config.ports);
  }

  get connections(): number {
    return this.#connections.size;
  }

  boundPort(number: number): number | undefined {
    return this.#listeners.get(number)?.port;
  }

  async start(): Promise<void> {
    this.#unobserve = this.#observe();
    const { config } = this.#settings;
    logConfigWarnings(this.#deps.logger, config);
    this.#member = this.#join(config);
    this.#sharedSalts ??= this.#saltsToShare(config);
    this.#member?.start();
    await this.#ports.apply(config.ports);
  }

  /** Live sessions of keys that are gone end; those of a key whose secret changed go on, since they proved the key that was right then. */
  async reload(config: RelayConfig): Promise<void> {
    const before = this.#settings.config;
    logConfigWarnings(this.#deps.logger, config);
    logFleetChange(this.#deps.logger, before, config);
    if (this.#member || config.fleet) {
      this.#settings = settingsOf({ ...config, ports: before.ports, fleet: before.fleet });
      await this.#member?.resettle({ allowInsecureCiphers: config.allowInsecureCiphers ?? false, bindHost: before.fleet?.bindHost });
      return;
    }
    this.#settings = settingsOf(config);
    const { removed, changed } = this.keys.apply(config.ports);
    this.#end(removed);
    this.#recheck(changed);
    this.#saltFilters.retain(config.ports);
    if (!this.#draining) await this.#ports.apply(config.ports);
  }

  readiness(): Readiness {
    const ports = this.#portReadiness();
    return this.#member?.readiness(ports) ?? ports;
  }

  async drain(deadlineMs: number): Promise<void> {
    const { clock } = this.#deps;
    const until = clock.monotonic() + deadlineMs;
    this.#draining = true;
    await this.#ports.close();
    await this.#connections.drain(deadlineMs);
    await Promise.all(this.#leaving.map((port) => port.end()));
    await this.#member?.finish(Math.max(LAST_FLUSH_MS, until - clock.monotonic()));
    this.#unobserve();
  }

  /** With the fleet where its store is one, with the other workers where there are some. */
  #saltsToShare({ fleet }: RelayConfig): SharedSalts | undefined {
    const { worker } = this.#deps;
    if (this.#member && fleet?.store.type === "redis") return new StoreSalts(this.#member.store, this.#deps.clock);
    return worker ? new GroupSalts(worker) : undefined;
  }

  #portReadiness(): Readiness {
    const ports = this.#ports.readiness();
    if (!this.#draining) return ports;
    return { ready: false, details: { ...ports.details, draining: `${this.sessions.size} sessions left` } };
  }

  #end(keyIds: Iterable<string>): void {
    for (const keyId of keyIds) this.sessions.terminateKey(keyId, "SESSION_TERMINATED");
  }

  /** A key's own lists and limits hold for what is open too. */
  #recheck(keyIds: readonly string[]): void {
    for (const keyId of keyIds) {
      const limiter = this.keys.key(keyId)?.limiter;
      for (const session of this.sessions.list(keyId)) {
        session.recheckTarget?.();
        session.followLimits?.(limiter);
      }
    }
  }

  #join({ fleet, allowInsecureCiphers = false }: RelayConfig): RelayMember | undefined {
    if (!fleet) return undefined;
    const isDraining = () => this.#draining;
    const whenLimitsUnavailable = () => this.#settings.config.limitsWhenUnavailable;
    return new RelayMember({
      ...this.#deps,
      fleet,
      kind: "tcp-relay",
      version: manifest.version,
      settings: { allowInsecureCiphers, bindHost: fleet.bindHost },
      relay: {
        keys: this.keys,
        sessions: this.sessions,
        ports: this.#ports,
        get isDraining() {
          return isDraining();
        },
        get whenLimitsUnavailable() {
          return whenLimitsUnavailable();
        },
        change: (change, endedKeys) => {
          const { removed, changed } = this.keys.change(change);
          this.#end(new Set([...removed, ...endedKeys]));
          this.#recheck(changed);
          this.#saltFilters.forget(change.gone);
        },
        listen: (ports) => (this.#draining ? Promise.resolve() : this.#ports.apply(ports)),
        retire: () => {
          this.#draining = true;
          void this.#ports.close();
        },
        readiness: () => this.#portReadiness(),
      },
    });
  }

  async #open(config: RelayConfig["ports"][number]): Promise<OpenPort> {
    const port = await openRelayPort(config, this.#context);
    this.#listeners.set(config.port, port);
    return {
      close: async () => {
        this.#listeners.delete(config.port);
        await port.close();
        // A drain lets sessions finish; otherwise the number must be free, whoever has it.
        if (this.#draining) this.#leaving.push(port);
        else await port.end();
      },
    };
  }

  #createSilentDrain(): SilentDrain {
    return new SilentDrain({
      clock: this.#deps.clock,
      timeoutMs: () => this.#settings.config.handshakeTimeoutMs,
      limits: () => this.#settings.strangerLimits,
    });
  }

  #createContext(): RelayContext {
    const { logger, metrics, clock, resolver, environment, worker } = this.#deps;
    const settings = () => this.#settings;
    return {
      get settings() {
        return settings();
      },
      logger,
      metrics,
      sessionMetrics: new SessionMetrics(metrics),
      clock,
      environment: environment ?? createEnvironment(clock),
      resolver: resolver ?? new CachingResolver(),
      keys: this.keys,
      sessions: this.sessions,
      connections: this.#connections,
      silentDrain: this.#silentDrain,
      saltFilters: this.#saltFilters,
      worker,
      sharedReplay: new SharedReplay({
        salts: () => this.#sharedSalts,
        isOwnGroup: () => this.#sharedSalts instanceof GroupSalts,
        config: () => this.#settings.config,
        metrics,
      }),
      onSessionEnd: this.#sessionEnded(),
    };
  }

  #sessionEnded(): ((end: SessionEnd) => void) | undefined {
    const { onSessionEnd, traceConnection } = this.#deps;
    if (!traceConnection) return onSessionEnd;
    return (end) => {
      traceConnection({ transport: "tcp", ...end });
      onSessionEnd?.(end);
    };
  }

  #observe(): () => void {
    const { metrics } = this.#deps;
    const tcp = { "network.transport": "tcp" };
    const removers = [
      observeRelay(metrics, { transport: "tcp", keys: this.keys, ports: this.#ports }),
      metrics.observe("shadowsocks.connections.active", () => [{ value: this.#connections.size, attributes: tcp }]),
      metrics.observe("shadowsocks.strangers.active", () => [{ value: this.#silentDrain.size }]),
      metrics.observe("shadowsocks.strangers.displaced", () =>
        Object.entries(this.#silentDrain.displaced).map(([limit, value]) => ({ value, attributes: { limit } })),
      ),
      metrics.observe("shadowsocks.replay.filter.entries", () => [{ value: this.#saltFilters.entries }]),
    ];
    return () => {
      for (const remove of removers) remove();
    };
  }
}

function settingsOf(config: RelayConfig): RelaySettings {
  const { proxyProtocol, maxStrangersPerSource, maxStrangers } = config;
  return {
    config,
    guard: createTargetGuard(config),
    proxies: proxyProtocol && new TrustedSources(proxyProtocol.trustedSources),
    strangerLimits: { perSource: maxStrangersPerSource, total: maxStrangers },
  };
}
