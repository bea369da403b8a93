import {
  AccessKeyServiceService,
  ConfigServiceService,
  EventServiceService,
  FleetServiceService,
  Handlers,
  type LocalCalls,
  PortServiceService,
  type ServiceHost,
  SessionServiceService,
  TrafficServiceService,
  UpstreamServiceService,
} from "@shadowfleet/control-api";
import type { AppDeps } from "@shadowfleet/runtime";
import type { FleetStore } from "@shadowfleet/store";
import type { ManagementConfig } from "./config.ts";
import { consoleDoor } from "./console/console-door.ts";
import type { ManagementContext, ManagementSettings } from "./context.ts";
import { FleetDirectory } from "./directory/fleet-directory.ts";
import { Members } from "./directory/members.ts";
import { AccessKeys } from "./domain/access-keys.ts";
import { Ports } from "./domain/ports.ts";
import { Upstreams } from "./domain/upstreams.ts";
import { AccessConfigs } from "./doors/access-config.ts";
import { AccessLinks } from "./doors/access-links.ts";
import { outlineDoor } from "./doors/outline-door.ts";
import { sip008Door } from "./doors/sip008-door.ts";
import { ssmDoor } from "./doors/ssm-door.ts";
import { FleetEvents } from "./events/fleet-events.ts";
import type { Webhook } from "./events/webhook-config.ts";
import { observeFleet } from "./fleet-metrics.ts";
import type { Door } from "./http/door.ts";
import { jsonDoor } from "./http/json-door.ts";
import { KnownTotals } from "./restore/known-totals.ts";
import { accessKeyService } from "./services/access-key-service.ts";
import { ConfigCalls } from "./services/config-service.ts";
import { eventService } from "./services/event-service.ts";
import { fleetService } from "./services/fleet-service.ts";
import { portService } from "./services/port-service.ts";
import { sessionService } from "./services/session-service.ts";
import { trafficService } from "./services/traffic-service.ts";
import { upstreamService } from "./services/upstream-service.ts";
import { StoreServers } from "./store-servers.ts";
import type { ManagementTiming } from "./timing.ts";
import { DatagramDaemon } from "./udp-management/datagram-daemon.ts";
import { PortCommands } from "./udp-management/port-commands.ts";
import { VERSION } from "./version.ts";

export interface ControlPlaneDeps extends AppDeps {
  readonly store: FleetStore;
  readonly timing: ManagementTiming;
  /** What links to key documents begin with; undefined while they are not served. */
  readonly linkBase: () => string | undefined;
}

const UNSET_PUBLIC_HOST = "127.0.0.1";

/** The rooms of management put together: directory, domain, services, datagram daemon, restore. */
export class ControlPlane {
  readonly directory: FleetDirectory;
  readonly #deps: ControlPlaneDeps;
  readonly #context: ManagementContext;
  readonly #totals: KnownTotals;
  readonly #storeServers: StoreServers;
  readonly #events: FleetEvents;
  readonly #ports: Ports;
  readonly #keys: AccessKeys;
  readonly #links: AccessLinks;
  readonly #configCalls: ConfigCalls;
  readonly #daemon: DatagramDaemon | undefined;
  #settings: ManagementSettings;
  #webhooks: readonly Webhook[];
  #unobserve: () => void = () => {};

  constructor(config: ManagementConfig, deps: ControlPlaneDeps) {
    this.#deps = deps;
    this.#settings = settingsOf(config);
    this.#webhooks = config.webhooks;
    const { store, clock, logger, timing } = deps;
    const members = new Members(store);
    const { declared } = config;
    this.directory = new FleetDirectory({ store, declared, clock, logger, timing, onNewGeneration: () => void this.#totals.restore() });
    this.#totals = new KnownTotals({ store, directory: this.directory, members, logger, intervalMs: timing.totalsMs });
    this.#storeServers = new StoreServers({ store, metrics: deps.metrics, logger, intervalMs: timing.storeServersMs });
    const settings = () => this.#settings;
    this.#context = {
      ...{ store, directory: this.directory, members, clock, logger, timing },
      get settings() {
        return settings();
      },
    };
    this.#events = new FleetEvents(this.#context, deps.metrics);
    this.#ports = new Ports(this.#context);
    this.#keys = new AccessKeys(this.#context, this.#ports);
    this.#links = new AccessLinks(this.#context, deps.linkBase);
    this.#configCalls = new ConfigCalls(this.#context, this.#keys);
    this.#daemon = this.#createDaemon(config);
  }

  /** 0 where UDP management is off. */
  get udpPort(): number {
    return this.#daemon?.port ?? 0;
  }

  addServices(server: ServiceHost): void {
    const { logger } = this.#deps;
    const handlers = new Handlers({ logger, stopping: server.stopping });
    const context = this.#context;
    server.addService(AccessKeyServiceService, accessKeyService(context, this.#keys, new AccessConfigs(context, this.#links), handlers));
    server.addService(PortServiceService, portService(context, this.#ports, handlers));
    server.addService(UpstreamServiceService, upstreamService(context, new Upstreams(context), handlers));
    server.addService(TrafficServiceService, trafficService(context, handlers));
    server.addService(SessionServiceService, sessionService(context, handlers));
    server.addService(FleetServiceService, fleetService(context, VERSION, handlers));
    server.addService(EventServiceService, eventService(context, this.#events.tail, handlers));
    server.addService(ConfigServiceService, this.#configCalls.service(handlers));
  }

  /** `calls`: where the services were added too. */
  doors(calls: LocalCalls): Door[] {
    const context = this.#context;
    return [
      jsonDoor(calls, context.clock),
      sip008Door(context, this.#links),
      ssmDoor(context, calls),
      outlineDoor(context, calls),
      consoleDoor(),
    ];
  }

  /** Resolves when the store's state is known, or after a moment without it. */
  async start(): Promise<void> {
    const { directory } = this;
    this.#unobserve = observeFleet(this.#deps.metrics, this.#context, this.#configCalls);
    directory.start();
    this.#totals.start();
    this.#storeServers.start();
    await directory.until(() => directory.isSynced, this.#deps.timing.firstStateMs);
    await this.#daemon?.start();
    this.onceSynced(() => this.#events.start(this.#webhooks));
  }

  /** Calls once the store's state is known, which may be now. */
  onceSynced(then: () => void): void {
    if (this.directory.isSynced) {
      then();
      return;
    }
    const unwatch = this.directory.watch(() => {
      if (!this.directory.isSynced) return;
      unwatch();
      then();
    });
  }

  reload(config: ManagementConfig): void {
    this.#settings = settingsOf(config);
    this.#webhooks = config.webhooks;
    this.#events.replaceWebhooks(config.webhooks);
    this.directory.replaceDeclared(config.declared);
  }

  /** No more datagrams; calls are the server's matter. */
  async stopTaking(): Promise<void> {
    await this.#daemon?.close();
  }

  async close(): Promise<void> {
    this.#unobserve();
    await this.#events.close();
    this.#storeServers.close();
    await this.#totals.close();
    await this.directory.close();
  }

  #createDaemon({ udpManagement: { enabled, host, port, dialect } }: ManagementConfig): DatagramDaemon | undefined {
    if (!enabled) return undefined;
    const { clock, logger, timing } = this.#deps;
    const ports = new PortCommands(this.#context, this.#ports, this.#keys);
    return new DatagramDaemon({ host, port, dialect, ports, clock, logger, statIntervalMs: timing.statMs });
  }
}

function settingsOf({
  publicHost = UNSET_PUBLIC_HOST,
  publicHosts,
  defaults,
  allowInsecureCiphers,
  http,
}: ManagementConfig): ManagementSettings {
  const hosts = publicHosts.length > 0 ? publicHosts : [{ host: publicHost, members: [] }];
  return { publicHost, publicHosts: hosts, linkSecret: http.linkSecret, defaults, allowInsecureCiphers };
}
