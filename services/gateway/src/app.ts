import { type App, type AppDeps, createEnvironment, type Observation, type Readiness } from "@shadowfleet/runtime";
import { type FailCounts, MemoryFailCounts } from "@shadowfleet/store";
import { CachingResolver, type Resolver, TrustedSources } from "@shadowfleet/transport";
import type { WireEnvironment } from "@shadowfleet/wire";
import manifest from "../package.json" with { type: "json" };
import type { GatewayConfig } from "./config.ts";
import { PacketCounts } from "./datagram/packet-counts.ts";
import { GatewayMember, type MemberDeps } from "./fleet/gateway-member.ts";
import { ProxyUsers } from "./front/proxy-users.ts";
import { openListener } from "./listener.ts";
import { ListeningPort } from "./listening-port.ts";
import type { GatewayContext, GatewaySettings } from "./session/gateway-context.ts";
import { Receptions } from "./session/receptions.ts";
import { SessionCounts } from "./session/session-counts.ts";
import type { SessionEnd } from "./session/session-end.ts";
import { Sessions } from "./session/sessions.ts";
import { Traffic } from "./session/traffic.ts";
import { Connector } from "./upstream/connector.ts";
import { explainPick, type PickExplanation } from "./upstream/explain.ts";
import { GroupFailCounts } from "./upstream/group-fail-counts.ts";
import type { DialLatencies } from "./upstream/latency-policy.ts";
import type { Random } from "./upstream/picker.ts";
import { createPicker } from "./upstream/policy.ts";
import type { Upstream } from "./upstream/upstream.ts";
import { UpstreamPlugins } from "./upstream/upstream-plugins.ts";

/** How long leaving the fleet may take at the end. */
const LEAVE_LIMIT_MS = 2_000;

export interface GatewayDeps extends AppDeps, MemberDeps {
  /** Default: shared by the fleet where the gateway is a member of one, else of this process alone. */
  readonly failCounts?: FailCounts;
  /** Default: one with its own cache. */
  readonly resolver?: Resolver;
  /** Default: randomness of `node:crypto`, time of `clock`. */
  readonly environment?: WireEnvironment;
  /** What the picker draws with. Default `Math.random`. */
  readonly random?: Random;
  /** Told once for every client connection when it is over. */
  readonly onSessionEnd?: (end: SessionEnd) => void;
}

/** The service, with what its owner may look at. */
export interface GatewayApp extends App<GatewayConfig> {
  /** Where it listens: what is bound, else what is configured. */
  readonly address: { readonly host: string; readonly port: number };
  readonly traffic: Traffic;
  readonly packets: PacketCounts;
  /** Client connections open now. */
  readonly connections: number;
  /** Why the circuit breaker would choose which upstream now, in configured order. */
  explainPick(): readonly PickExplanation[];
}

/** Builds the service without I/O. `config` is validated. */
export function createApp(config: GatewayConfig, deps: GatewayDeps): GatewayApp {
  return new Gateway(config, deps);
}

class Gateway implements GatewayApp {
  readonly traffic = new Traffic();
  readonly packets = new PacketCounts();
  readonly #deps: GatewayDeps;
  readonly #sessions = new Sessions();
  readonly #latencies: DialLatencies = new Map();
  readonly #context: GatewayContext;
  readonly #port: ListeningPort;
  readonly #member: GatewayMember | undefined;
  readonly #failCounts: FailCounts;
  readonly #plugins: UpstreamPlugins;
  #settings: GatewaySettings;
  #draining = false;
  #unobserve: () => void = () => {};

  constructor(config: GatewayConfig, deps: GatewayDeps) {
    this.#deps = deps;
    this.#plugins = new UpstreamPlugins(deps);
    const settings = () => this.#settings;
    this.#context = {
      get settings() {
        return settings();
      },
      logger: deps.logger,
      metrics: deps.metrics,
      clock: deps.clock,
      environment: deps.environment ?? createEnvironment(deps.clock),
      resolver: deps.resolver ?? new CachingResolver({ clock: deps.clock }),
      sessions: this.#sessions,
      receptions: new Receptions(() => this.#settings.config.maxHandshakes),
      counts: new SessionCounts(deps.metrics),
      traffic: this.traffic,
      packets: this.packets,
      worker: deps.worker,
      onSessionEnd: sessionEnded(deps),
    };
    this.#member = this.#join(config);
    this.#failCounts = deps.failCounts ?? this.#member?.failCounts ?? ownFailCounts(deps);
    this.#settings = this.#settingsOf(config);
    this.#port = new ListeningPort({ open: (wanted) => openListener(wanted, this.#context), logger: deps.logger });
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#port.listener ?? this.#settings.config.listen;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  explainPick(): readonly PickExplanation[] {
    return explainPick(this.#settings.config.upstreams, this.#failCounts);
  }

  async start(): Promise<void> {
    this.#unobserve = this.#observe();
    this.#logWarnings();
    this.#member?.start();
    await this.#plugins.start(this.#settings.config.upstreams);
    await this.#port.apply(this.#settings.config);
  }

  async reload(config: GatewayConfig): Promise<void> {
    const { fleet, upstreams } = this.#settings.config;
    // Membership is for the life of the process: a changed one takes effect at the next start, as management's upstreams stay until then.
    const next = this.#member ? { ...config, fleet, upstreams } : { ...config, fleet };
    await this.#plugins.start(next.upstreams);
    this.#settings = this.#settingsOf(next);
    await this.#plugins.retain(next.upstreams);
    this.#member?.resettle();
    this.#logWarnings();
    if (!this.#draining) await this.#port.apply(config);
  }

  readiness(): Readiness {
    const own = this.#ownReadiness();
    return this.#member?.readiness(own) ?? own;
  }

  #ownReadiness(): Readiness {
    const { listen, upstreams } = this.#settings.config;
    const { listener, failed } = this.#port;
    const details: Record<string, string> = {
      port: listener ? `${listener.port} bound` : `${listen.port} not bound`,
      upstreams: `${upstreams.length} configured`,
    };
    if (listener && failed) details.port = `${listener.port} bound, ${listen.port} failed`;
    if (listener && listener.udpPort === undefined) details.udp = "not bound";
    if (this.#draining) details.draining = `${this.#sessions.size} sessions left`;
    return { ready: !this.#draining && listener !== undefined && (upstreams.length > 0 || this.#member !== undefined), details };
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    await this.#port.close();
    await this.#sessions.drain(deadlineMs);
    await this.#plugins.retain([]);
    await this.#member?.finish(LEAVE_LIMIT_MS);
    this.#unobserve();
  }

  #join({ fleet }: GatewayConfig): GatewayMember | undefined {
    if (!fleet) return undefined;
    const isDraining = () => this.#draining;
    const sessionCount = () => this.#sessions.size;
    return new GatewayMember({
      ...this.#deps,
      fleet,
      version: manifest.version,
      allowInsecureCiphers: () => this.#settings.config.allowInsecureCiphers,
      gateway: {
        get isDraining() {
          return isDraining();
        },
        get sessionCount() {
          return sessionCount();
        },
        use: (upstreams) => {
          this.#settings = this.#settingsOf({ ...this.#settings.config, upstreams });
        },
        retire: () => {
          this.#draining = true;
          void this.#port.close();
        },
        readiness: () => this.#ownReadiness(),
      },
    });
  }

  #settingsOf(config: GatewayConfig): GatewaySettings {
    const { random = Math.random } = this.#deps;
    const failCounts = this.#failCounts;
    const { logger, metrics, clock, resolver } = this.#context;
    const picker = createPicker(config.policy, config.upstreams, { failCounts, latencies: this.#latencies }, random);
    const endpointOf = (upstream: Upstream) => this.#plugins.endpoint(upstream);
    const connector = new Connector({ picker, endpointOf, dialTimeoutMs: config.dialTimeoutMs, resolver, metrics, logger, clock });
    const balancers = config.proxyProtocol && new TrustedSources(config.proxyProtocol.trustedSources);
    return { config, users: new ProxyUsers(config.users), balancers, picker, connector };
  }

  #logWarnings(): void {
    for (const warning of this.#settings.config.warnings) this.#deps.logger.warn(warning);
  }

  #observe(): () => void {
    const { metrics } = this.#deps;
    const removers = [
      metrics.observe("shadowsocks.connections.active", () => [
        { value: this.#sessions.count("tcp"), attributes: { "network.transport": "tcp" } },
        { value: this.#sessions.count("udp"), attributes: { "network.transport": "udp" } },
      ]),
      metrics.observe("shadowsocks.udp.sessions.active", () => [{ value: this.#sessions.count("udp") }]),
      metrics.observe("shadowsocks.relay.bytes", () => this.#observeBytes()),
      metrics.observe("shadowsocks.udp.packets", () => this.packets.observe()),
      metrics.observe("shadowsocks.upstream.fail.count", () =>
        this.#settings.config.upstreams.map(({ id }) => ({ value: this.#failCounts.get(id), attributes: { upstream: id } })),
      ),
      metrics.observe("fleet.ports.bound", () => [{ value: this.#port.listener ? 1 : 0 }]),
      metrics.observe("fleet.ports.failed", () => [{ value: this.#port.failed ? 1 : 0 }]),
    ];
    return () => {
      for (const remove of removers) remove();
    };
  }

  *#observeBytes(): Generator<Observation> {
    for (const transport of ["tcp", "udp"] as const) {
      const { up, down } = this.traffic.total(transport);
      yield { value: up, attributes: { "network.transport": transport, "network.io.direction": "up" } };
      yield { value: down, attributes: { "network.transport": transport, "network.io.direction": "down" } };
    }
  }
}

function ownFailCounts({ worker }: GatewayDeps): FailCounts {
  return worker ? new GroupFailCounts(worker) : new MemoryFailCounts();
}

/** Connections that no upstream served were not proxied, and are not traced. */
function sessionEnded({ onSessionEnd = () => {}, traceConnection, clock }: GatewayDeps): (end: SessionEnd) => void {
  if (!traceConnection) return onSessionEnd;
  return (end) => {
    if (end.upstreamId !== undefined) traceConnection({ ...end, startedAtMs: clock.now() - end.durationMs });
    onSessionEnd(end);
  };
}
