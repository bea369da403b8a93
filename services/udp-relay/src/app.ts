import {
  type AccessKey,
  AccessKeyTable,
  createTargetGuard,
  LiveSessions,
  logConfigWarnings,
  logFleetChange,
  type MemberDeps,
  observeRelay,
  PortSupervisor,
  type RelayConfig,
  RelayMember,
  type SessionEnd,
  type SessionRegistry,
  sameTargets,
  type TargetGuard,
  TrialBudget,
  trialLimitsOf,
} from "@shadowfleet/relay";
import { type App, type AppDeps, createEnvironment, type ErrorCode, type Readiness } from "@shadowfleet/runtime";
import { CachingResolver, type Resolver } from "@shadowfleet/transport";
import { createServerPacketCodec, type Method, type SaltFilter, SaltHistory, type WireEnvironment } from "@shadowfleet/wire";
import manifest from "../package.json" with { type: "json" };
import { AnswerPath } from "./answer-path.ts";
import type { Association } from "./association.ts";
import { AssociationTable } from "./association-table.ts";
import { drainAssociations } from "./drain.ts";
import { DropLog } from "./drop-log.ts";
import { PacketCounts } from "./packet-counts.ts";
import { type PortServices, UdpPort } from "./port.ts";
import { RequestPath } from "./request-path.ts";
import { SessionReport } from "./session-report.ts";

const SWEEP_INTERVAL_MS = 1000;
/** SIP004 salts remembered per generation, for all ports together; two generations cost at most 13 MB. */
const SALT_HISTORY_CAPACITY = 65_536;
/** At least so long is tried to hand over the last counts when every session is over, however little is left of a drain's time. */
const LAST_FLUSH_MS = 700;
/** The longest a timer can run: until they end by themselves. */
const NO_DEADLINE_MS = 0x7fff_ffff;

export interface UdpRelayDeps extends AppDeps, MemberDeps {
  /** Default: one with its own cache. */
  readonly resolver?: Resolver;
  /** Where live associations are entered; shared with others that list or cut sessions. */
  readonly sessions?: SessionRegistry;
  /** Default: randomness of `node:crypto`, time of `clock`. */
  readonly environment?: WireEnvironment;
  /** Told once for every association when it is over. */
  readonly onSessionEnd?: (end: SessionEnd) => void;
}

/** The service, with what its owner may look at. */
export interface UdpRelayApp extends App<RelayConfig> {
  readonly keys: AccessKeyTable;
  readonly counts: PacketCounts;
  readonly sessions: SessionRegistry;
  /** The UDP port in force for a port of the configuration (another one when that is 0); undefined while it is not bound. */
  boundPort(number: number): number | undefined;
}

/** Builds the service without I/O. `config` is validated. */
export function createApp(config: RelayConfig, deps: UdpRelayDeps): UdpRelayApp {
  return new UdpRelay(config, deps);
}

class UdpRelay implements UdpRelayApp {
  readonly keys: AccessKeyTable;
  readonly counts = new PacketCounts();
  readonly sessions: SessionRegistry;
  readonly #deps: UdpRelayDeps;
  readonly #environment: WireEnvironment;
  readonly #salts = new SaltHistory(SALT_HISTORY_CAPACITY);
  readonly #open = new Map<number, UdpPort>();
  readonly #report: SessionReport;
  readonly #associations: AssociationTable;
  readonly #supervisor: PortSupervisor;
  readonly #services: PortServices;
  #config: RelayConfig;
  #guard: TargetGuard;
  #member: RelayMember | undefined;
  #draining = false;
  #sweeper: NodeJS.Timeout | undefined;
  #unobserve: () => void = () => {};

  constructor(config: RelayConfig, deps: UdpRelayDeps) {
    this.#config = config;
    this.#guard = createTargetGuard(config);
    this.#deps = deps;
    this.keys = new AccessKeyTable(new TrialBudget(deps.clock, () => trialLimitsOf(this.#config)));
    this.#environment = deps.environment ?? createEnvironment(deps.clock);
    this.sessions = deps.sessions ?? new LiveSessions();
    this.#report = new SessionReport(deps.logger, deps.metrics);
    this.#associations = this.#createAssociations();
    this.#services = this.#createServices();
    this.#supervisor = new PortSupervisor({
      logger: deps.logger,
      open: (port) => this.#openPort(port.host, port.port),
      onChange: () => this.#member?.portsChanged(),
    });
    this.keys.apply(config.ports);
  }

  boundPort(number: number): number | undefined {
    return this.#open.get(number)?.boundPort;
  }

  async start(): Promise<void> {
    this.#unobserve = this.#observe();
    logConfigWarnings(this.#deps.logger, this.#config);
    this.#sweepEvery(SWEEP_INTERVAL_MS);
    this.#member = this.#join(this.#config);
    this.#member?.start();
    await this.#supervisor.apply(this.#config.ports);
  }

  /** Associations whose key is gone or has another secret end at once: the answers to them could not be read any more. */
  async reload(config: RelayConfig): Promise<void> {
    const before = this.#config;
    logConfigWarnings(this.#deps.logger, config);
    logFleetChange(this.#deps.logger, before, config);
    this.#guard = createTargetGuard(config);
    if (this.#member || config.fleet) {
      this.#config = { ...config, ports: before.ports, fleet: before.fleet };
      await this.#member?.resettle({ allowInsecureCiphers: config.allowInsecureCiphers ?? false, bindHost: before.fleet?.bindHost });
      return;
    }
    this.#config = config;
    this.keys.apply(config.ports);
    this.#endOutdated();
    if (!this.#draining) await this.#supervisor.apply(config.ports);
  }

  readiness(): Readiness {
    const ports = this.#portReadiness();
    return this.#member?.readiness(ports) ?? ports;
  }

  async drain(deadlineMs: number): Promise<void> {
    const { clock } = this.#deps;
    const until = clock.monotonic() + deadlineMs;
    this.#draining = true;
    await drainAssociations(this.#associations, deadlineMs);
    clearInterval(this.#sweeper);
    await this.#supervisor.close();
    await this.#member?.finish(Math.max(LAST_FLUSH_MS, until - clock.monotonic()));
    this.#unobserve();
  }

  #portReadiness(): Readiness {
    const ports = this.#supervisor.readiness();
    return this.#draining ? { ready: false, details: { ...ports.details, draining: `${this.#associations.size} sessions left` } } : ports;
  }

  /** Ends associations of keys that are not in force as they were, of keys with other targets (anyone it sent to may answer), and of those named. */
  #endOutdated(keyIds: ReadonlySet<string> = new Set()): void {
    const isOutdated = (key: AccessKey): boolean => !this.keys.isInForce(key) || !sameTargets(key.targets, this.keys.key(key.id)?.targets);
    this.#associations.end("SESSION_TERMINATED", ({ key }) => keyIds.has(key.id) || isOutdated(key));
  }

  #join({ fleet, allowInsecureCiphers = false }: RelayConfig): RelayMember | undefined {
    if (!fleet) return undefined;
    const isDraining = () => this.#draining;
    const whenLimitsUnavailable = () => this.#config.limitsWhenUnavailable;
    return new RelayMember({
      ...this.#deps,
      fleet,
      kind: "udp-relay",
      version: manifest.version,
      settings: { allowInsecureCiphers, bindHost: fleet.bindHost },
      relay: {
        keys: this.keys,
        sessions: this.sessions,
        ports: this.#supervisor,
        get isDraining() {
          return isDraining();
        },
        get whenLimitsUnavailable() {
          return whenLimitsUnavailable();
        },
        change: (change, endedKeys) => {
          const { removed, changed } = this.keys.change(change);
          if (removed.length + changed.length + endedKeys.size > 0) this.#endOutdated(endedKeys);
          for (const id of changed) {
            const limiter = this.keys.key(id)?.limiter;
            for (const session of this.sessions.list(id)) session.followLimits?.(limiter);
          }
        },
        listen: (ports) => (this.#draining ? Promise.resolve() : this.#supervisor.apply(ports)),
        retire: () => this.#retire(),
        readiness: () => this.#portReadiness(),
      },
    });
  }

  /** The ports stay open for as long as associations need them. */
  #retire(): void {
    this.#draining = true;
    void drainAssociations(this.#associations, NO_DEADLINE_MS).then(() => this.#supervisor.close());
  }

  async #openPort(host: string, number: number): Promise<{ close(): Promise<void> }> {
    const { worker } = this.#deps;
    const claimed = (await worker?.claimPort("udp", host, number)) ?? number;
    const keys = () => this.keys.portKeys(number);
    const port = new UdpPort({ host, number: claimed, sharesPort: worker !== undefined, keys, services: this.#services });
    this.#open.set(number, port);
    return {
      close: async () => {
        this.#open.delete(number);
        port.close();
      },
    };
  }

  #createAssociations(): AssociationTable {
    return new AssociationTable({
      limits: () => ({ perKey: this.#config.maxUdpSessionsPerKey, total: this.#config.maxUdpSessions }),
      idleTimeoutMs: () => this.#config.udpIdleTimeoutMs,
      clock: this.#deps.clock,
      registry: this.sessions,
      onEnd: (association, code) => this.#onEnd(association, code),
    });
  }

  #onEnd(association: Association, code: ErrorCode): void {
    const { id, keyId, port, startedAtMs, bytesUp, bytesDown } = association;
    const end: SessionEnd = {
      sessionId: id,
      keyId,
      port,
      code: code === "IDLE_TIMEOUT" ? "OK" : code,
      startedAtMs,
      durationMs: Math.max(0, this.#deps.clock.now() - startedAtMs),
      bytesUp,
      bytesDown,
    };
    this.#report.ended(association, end);
    this.#deps.traceConnection?.({ transport: "udp", ...end });
    this.#deps.onSessionEnd?.(end);
  }

  #createServices(): PortServices {
    const { logger, clock, resolver = new CachingResolver({ clock }) } = this.#deps;
    const { counts } = this;
    const associations = this.#associations;
    const drops = new DropLog(counts, logger);
    const answers = new AnswerPath({ drops, onActive: (association) => associations.touch(association) });
    const requests = new RequestPath({ resolver, guard: () => this.#guard, answers, counts, drops });
    return {
      associations,
      requests,
      counts,
      drops,
      logger,
      createCodec: (method) => createServerPacketCodec<AccessKey>(method, this.#environment, { saltFilter: this.#saltFilterFor(method) }),
      onOpened: (key) => this.keys.noteOpened(key, this.#deps.clock.now()),
      isDraining: () => this.#draining,
    };
  }

  /** SIP022 has its packet ids. Stream ciphers have nothing, since without authentication anyone could fill a filter. */
  #saltFilterFor(method: Method): SaltFilter | undefined {
    if (method.kind !== "aead") return undefined;
    // The setting is asked each time because a codec outlives a reload.
    return { admit: (salt, unixSeconds) => !this.#config.replayFilter || this.#salts.admit(salt, unixSeconds) };
  }

  #observe(): () => void {
    const { metrics } = this.#deps;
    const removers = [
      observeRelay(metrics, { transport: "udp", keys: this.keys, ports: this.#supervisor }),
      metrics.observe("shadowsocks.udp.packets", () => this.counts.observe()),
      metrics.observe("shadowsocks.udp.sessions.active", () => [{ value: this.#associations.size }]),
      metrics.observe("shadowsocks.replay.filter.entries", () => [{ value: this.#salts.entries }]),
    ];
    return () => {
      for (const remove of removers) remove();
    };
  }

  #sweepEvery(intervalMs: number): void {
    this.#sweeper = setInterval(() => {
      this.#associations.sweep();
      this.#report.reportDisplaced();
    }, intervalMs);
    this.#sweeper.unref();
  }
}
