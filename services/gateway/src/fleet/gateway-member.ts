import {
  ConfigWatcher,
  connectFleet,
  createIdentity,
  type FleetChannel,
  type MemberConfiguration,
  type MemberIdentity,
  type MemberOrder,
  type MemberState,
} from "@shadowfleet/control-api";
import type { AppDeps, Readiness } from "@shadowfleet/runtime";
import { type FailCountReason, type FleetStore, openStore, SharedFailCounts } from "@shadowfleet/store";
import type { Upstream } from "../upstream/upstream.ts";
import type { FleetConfig } from "./fleet-schema.ts";
import { planFleetUpstreams } from "./fleet-upstreams.ts";

/** The gateway as its membership drives it. */
export interface MemberGateway {
  readonly isDraining: boolean;
  readonly sessionCount: number;
  /** These upstreams, in this order, from now on; live connections go on. */
  use(upstreams: readonly Upstream[]): void;
  /** Not ready, nothing new accepted; live sessions go on until they end. */
  retire(): void;
  /** Of the gateway alone. */
  readiness(): Readiness;
}

/** What a test or the standalone mode puts in the place of the configured. */
export interface MemberDeps {
  /** Stays its owner's: it is not closed. Default: the one of the configuration. */
  readonly store?: FleetStore;
  /** Closed with the member. Default: to the addresses of the configuration. */
  readonly channel?: FleetChannel;
}

export interface GatewayMemberOptions extends AppDeps, MemberDeps {
  readonly fleet: FleetConfig;
  readonly version: string;
  readonly allowInsecureCiphers: () => boolean;
  readonly gateway: MemberGateway;
}

/**
 * A gateway's membership in a fleet: upstreams come from management, failCnt is shared through the store. Its counts come over the store's feed,
 * not with management's configuration: the gateway writes them there, and one way in and out keeps the order. Needs neither to go on.
 */
export class GatewayMember {
  readonly failCounts: SharedFailCounts;
  readonly #options: GatewayMemberOptions;
  readonly #identity: MemberIdentity;
  readonly #store: FleetStore;
  readonly #watcher: ConfigWatcher;
  #configuration: MemberConfiguration | undefined;

  /** Opens nothing but the store; throws as `openStore` does. */
  constructor(options: GatewayMemberOptions) {
    const { fleet, version, clock, logger, metrics, store, channel } = options;
    this.#options = options;
    this.#identity = createIdentity("gateway", version, fleet.memberId, clock, options.worker);
    this.#store = store ?? openStore(fleet.store, { logger, metrics, clock });
    this.failCounts = new SharedFailCounts({ store: this.#store, onTransition: (...change) => this.#tell(...change) });
    this.#watcher = new ConfigWatcher({
      channel: channel ?? connectFleet(fleet.management, { metrics, clock }),
      identity: this.#identity,
      state: () => this.#state(),
      apply: async (configuration) => this.#apply(configuration),
      command: (order) => this.#obey(order),
      logger,
      metrics,
      clock,
    });
  }

  /** Begins to follow management and the store. */
  start(): void {
    this.#options.logger.info({ memberId: this.#identity.id, epoch: this.#identity.epoch }, "member of a fleet");
    this.failCounts.start();
    this.#watcher.start();
  }

  /** Other settings of the gateway's own file. */
  resettle(): void {
    if (this.#configuration) this.#apply(this.#configuration);
  }

  /** What the gateway's own readiness lacks: one that never had a configuration is not ready; one that had needs nobody. */
  readiness(own: Readiness): Readiness {
    const { configuration, connected, awayReason } = this.#watcher;
    const details = {
      ...own.details,
      configuration: configuration ? `revision ${configuration.revision}` : "none yet",
      management: connected ? "connected" : "away",
      ...(awayReason === undefined ? {} : { managementReason: awayReason }),
    };
    return { ready: own.ready && configuration !== undefined, details };
  }

  /** The end: leaves management, hands over counts, frees the store. Takes at most so long. */
  async finish(limitMs: number): Promise<void> {
    const leave = async (): Promise<void> => {
      await this.#watcher.stop();
      await this.failCounts.close();
      await this.#store.removeMember(this.#identity.id);
      if (!this.#options.store) await this.#store.close();
    };
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    await Promise.race([
      leave().catch((error: unknown) => this.#options.logger.debug({ err: error }, "the fleet was left without a goodbye")),
      late,
    ]);
    clearTimeout(timer);
  }

  #apply(configuration: MemberConfiguration): void {
    this.#configuration = configuration;
    const { gateway, logger, allowInsecureCiphers } = this.#options;
    const { upstreams, problems } = planFleetUpstreams(configuration.upstreams, allowInsecureCiphers());
    for (const problem of problems) logger.error({ code: "CONFIG_INVALID" }, problem);
    gateway.use(upstreams);
  }

  #obey(order: MemberOrder): void {
    const { gateway, logger } = this.#options;
    if (order.$case !== "drainMemberId" || order.value !== this.#identity.id || gateway.isDraining) return;
    logger.info("told to drain: not ready, accepting nothing new, until this process is stopped");
    gateway.retire();
    this.#watcher.report();
  }

  #state(): MemberState {
    const { gateway } = this.#options;
    const { ready } = this.readiness(gateway.readiness());
    return { ready, draining: gateway.isDraining, sessionCount: gateway.sessionCount, ports: [], oldSecretUses: [] };
  }

  /** Every transition of failCnt, whoever caused it. */
  #tell(upstream: string, from: number, to: number, why: FailCountReason): void {
    this.#options.logger.info({ upstream, from, to, why }, "failCnt changed");
  }
}
