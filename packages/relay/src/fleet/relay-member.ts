import { setTimeout as wait } from "node:timers/promises";
import {
  ConfigWatcher,
  connectFleet,
  createIdentity,
  type FleetChannel,
  type MemberConfiguration,
  type MemberIdentity,
  type MemberOrder,
  type MemberState,
  type ReportStatusRequest,
  type WatchTiming,
} from "@shadowfleet/control-api";
import type { AppDeps, Readiness } from "@shadowfleet/runtime";
import { type FleetStore, openStore } from "@shadowfleet/store";
import type { AccessKeyTable } from "../access-key-table.ts";
import { LimitExchange } from "../limits/limit-exchange.ts";
import { observeLimits } from "../limits/limit-metrics.ts";
import type { PortBinding } from "../port-supervisor.ts";
import type { PortConfig, PortsChange } from "../relay-config.ts";
import type { SessionRegistry } from "../session-registry.ts";
import { withinDeadline } from "./call-deadline.ts";
import type { FleetConfig } from "./fleet-schema.ts";
import { PortPlans } from "./port-plans.ts";
import type { PortPlanSettings } from "./port-shell.ts";
import { SessionPublisher } from "./session-publisher.ts";
import { TrafficFlusher } from "./traffic-flusher.ts";

/** A relay as its membership drives it. */
export interface MemberRelay {
  readonly keys: AccessKeyTable;
  readonly sessions: SessionRegistry;
  readonly isDraining: boolean;
  readonly ports: { bindings(): PortBinding[] };
  /** What becomes of a key whose limits nobody can look up. */
  readonly whenLimitsUnavailable: "continue" | "refuse";
  /** Puts these ports and their keys into force at once. Ends the sessions of keys that are not in force any more, and of those named. */
  change(change: PortsChange, endedKeys: ReadonlySet<string>): void;
  /** Listens on exactly these ports, the others untouched. Never rejects. */
  listen(ports: readonly PortConfig[]): Promise<void>;
  /** Not ready, nothing new accepted; live sessions go on until they end. */
  retire(): void;
  /** Of the ports alone. */
  readiness(): Readiness;
}

/** What a test or the standalone mode puts in the place of the configured. */
export interface MemberDeps {
  /** Stays its owner's: it is not closed. Default: the one of the configuration. */
  readonly store?: FleetStore;
  /** Closed with the member. Default: to the addresses of the configuration. */
  readonly channel?: FleetChannel;
  readonly timing?: MemberTiming;
}

export interface MemberTiming {
  readonly watch?: Partial<WatchTiming>;
  readonly flushIntervalMs?: number;
  readonly publishIntervalMs?: number;
  /** How long the store may take over one call. */
  readonly storeTimeoutMs?: number;
}

export interface RelayMemberOptions extends AppDeps, MemberDeps {
  readonly fleet: FleetConfig;
  readonly kind: "tcp-relay" | "udp-relay";
  readonly version: string;
  readonly settings: PortPlanSettings;
  readonly relay: MemberRelay;
}

/** How long a configuration counts as not applied yet because of ports that are being bound. */
const BIND_WAIT_MS = 2000;
/** Woken at least so often while a key is about to begin or end, since the wall clock may jump. */
const WAKE_MS = 500;
const CLOSE_LIMIT_MS = 200;

/**
 * A relay's membership in a fleet: brings what management wants into force, ends keys by its own clock, carries traffic and sessions to the
 * store, reports. Needs neither management nor the store to go on with what it has.
 */
export class RelayMember {
  readonly identity: MemberIdentity;
  readonly #options: RelayMemberOptions;
  readonly store: FleetStore;
  readonly #plans: PortPlans;
  readonly #watcher: ConfigWatcher;
  readonly #flusher: TrafficFlusher;
  readonly #publisher: SessionPublisher;
  readonly #limits: LimitExchange;
  /** Bind address by port, as last asked of the relay. */
  #listening: ReadonlyMap<number, string> = new Map();
  #generation = "";
  #timer: NodeJS.Timeout | undefined;
  #unobserve: () => void = () => {};

  /** Opens nothing but the store; throws as `openStore` does. */
  constructor(options: RelayMemberOptions) {
    this.#options = options;
    const { fleet, kind, version, clock, logger, metrics, relay, timing = {} } = options;
    this.identity = createIdentity(kind, version, fleet.memberId, clock, options.worker);
    this.store = options.store ?? openStore(fleet.store, { logger, metrics, clock });
    this.#plans = new PortPlans(options.settings, logger);
    const { id: memberId, epoch } = this.identity;
    const callTimeoutMs = timing.storeTimeoutMs;
    const common = { memberId, epoch, store: this.store, logger, ...(callTimeoutMs === undefined ? {} : { callTimeoutMs }) };
    this.#flusher = new TrafficFlusher({
      ...common,
      ledger: relay.keys.ledger,
      isInForce: (keyId, port) => relay.keys.key(keyId)?.port === port,
      clock,
      metrics,
      ...(timing.flushIntervalMs === undefined ? {} : { intervalMs: timing.flushIntervalMs }),
    });
    this.#publisher = new SessionPublisher({
      ...common,
      sessions: relay.sessions,
      ...(timing.publishIntervalMs === undefined ? {} : { intervalMs: timing.publishIntervalMs }),
    });
    this.#limits = new LimitExchange({ ...common, policy: () => relay.whenLimitsUnavailable, clock, metrics });
    relay.keys.limiters.home = this.#limits;
    this.#watcher = new ConfigWatcher({
      channel: options.channel ?? connectFleet(fleet.management, { metrics, clock }),
      identity: this.identity,
      state: () => this.#state(),
      apply: (configuration, removedKeys) => this.#apply(configuration, removedKeys),
      command: (order) => this.#obey(order),
      onReported: (report) => this.#reported(report),
      logger,
      metrics,
      clock,
      ...(timing.watch ? { timing: timing.watch } : {}),
    });
  }

  /** Begins to follow management and to flush. The first configuration comes when management answers. */
  start(): void {
    const { logger, metrics, store, fleet } = this.#options;
    if (!store && fleet.store.type !== "redis") {
      logger.warn({ store: fleet.store.type }, "fleet.store is this process's own: nobody else sees what it counts");
    }
    logger.info({ memberId: this.identity.id, epoch: this.identity.epoch }, "member of a fleet");
    const removers = [
      metrics.observe("fleet.ports.failed", () => [{ value: this.#plans.unservable }]),
      observeLimits(metrics, this.#limits, this.#options.relay.keys.limiters.counts),
    ];
    this.#unobserve = () => {
      for (const remove of removers) remove();
    };
    this.#flusher.start();
    this.#publisher.start();
    this.#watcher.start();
  }

  /** Other settings of the relay's own file. */
  async resettle(settings: PortPlanSettings): Promise<void> {
    await this.#bring(this.#plans.resettle(settings, this.#options.clock.now()), new Set());
  }

  /** A port was bound, failed or was closed. */
  portsChanged(): void {
    this.#watcher.report();
  }

  /** What the relay's own readiness lacks. Ports or not, a relay that never had a configuration is not ready; one that had needs nobody. */
  readiness(own: Readiness): Readiness {
    const { configuration, connected, awayReason } = this.#watcher;
    const details = {
      ...own.details,
      configuration: configuration ? `revision ${configuration.revision}` : "none yet",
      management: connected ? "connected" : "away",
      ...(awayReason === undefined ? {} : { managementReason: awayReason }),
    };
    const serves = own.ready || this.#plans.size === 0;
    return { ready: configuration !== undefined && serves && !this.#options.relay.isDraining, details };
  }

  /** The end, once no session is left: the last counts, no sessions, no member. Takes at most so long; what could not be told is logged. */
  async finish(limitMs: number): Promise<void> {
    clearTimeout(this.#timer);
    await withinDeadline(this.#watcher.stop(), limitMs).catch(() => undefined);
    const ends = [this.#flusher, this.#publisher, this.#limits].map((part) => part.finish(limitMs));
    await Promise.all([...ends, this.#sayGoodbye(limitMs)]);
    this.#unobserve();
    if (!this.#options.store) await withinDeadline(this.store.close(), CLOSE_LIMIT_MS).catch(() => undefined);
  }

  async #apply(configuration: MemberConfiguration, removedKeys: ReadonlySet<string>): Promise<void> {
    if (this.#generation !== configuration.generation) this.#publisher.forget();
    this.#generation = configuration.generation;
    await this.#bring(this.#plans.follow(configuration, this.#options.clock.now()), removedKeys);
  }

  async #bring(change: PortsChange, removedKeys: ReadonlySet<string>): Promise<void> {
    const { relay } = this.#options;
    const { served, patches, gone } = change;
    if (served.length + patches.length + gone.length + removedKeys.size > 0) relay.change(change, removedKeys);
    this.#rearm();
    if (gone.length === 0 && served.every(({ port, host }) => this.#listening.get(port) === host)) return;
    this.#listening = this.#plans.addresses;
    await Promise.race([relay.listen(this.#plans.served), wait(BIND_WAIT_MS, undefined, { ref: false })]);
  }

  #rearm(): void {
    clearTimeout(this.#timer);
    const { clock, logger } = this.#options;
    const inMs = this.#plans.nextChangeMs - clock.now();
    if (inMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#bring(this.#plans.tick(clock.now()), new Set()).catch((error: unknown) => {
          logger.error({ code: "INTERNAL", err: error }, "keys could not be changed at their time");
        });
      },
      Math.max(0, Math.min(inMs, WAKE_MS)),
    );
  }

  #obey(order: MemberOrder): void {
    const { relay, logger } = this.#options;
    switch (order.$case) {
      case "terminateSessionId":
        this.#publisher.find(order.value)?.terminate("SESSION_TERMINATED");
        return;
      case "terminateAccessKeyId":
        relay.sessions.terminateKey(order.value, "SESSION_TERMINATED");
        return;
      case "drainMemberId":
        if (order.value !== this.identity.id || relay.isDraining) return;
        logger.info("told to drain: not ready, accepting nothing new, until this process is stopped");
        relay.retire();
        this.#watcher.report();
    }
  }

  #state(): MemberState {
    const { relay } = this.#options;
    const bindings = new Map(relay.ports.bindings().map((binding) => [binding.port, binding]));
    const ports = [...this.#plans.problems()].flatMap(([port, problem]) => {
      const binding = bindings.get(port);
      const error = problem || (binding ? binding.error : relay.isDraining ? "this relay is draining" : "");
      // Of a port that is just being bound there is nothing to say yet.
      return binding || error ? [{ port, bound: binding?.bound ?? false, error }] : [];
    });
    const oldSecretUses = [...relay.keys.previousSecretUses].map(([accessKeyId, ms]) => ({ accessKeyId, time: new Date(ms) }));
    const { ready } = this.readiness(relay.readiness());
    return { ready, draining: relay.isDraining, sessionCount: relay.sessions.size, ports, oldSecretUses };
  }

  #reported({ oldSecretUses }: ReportStatusRequest): void {
    const { previousSecretUses } = this.#options.relay.keys;
    for (const { accessKeyId, time } of oldSecretUses) {
      if (previousSecretUses.get(accessKeyId) === time?.getTime()) previousSecretUses.delete(accessKeyId);
    }
  }

  async #sayGoodbye(limitMs: number): Promise<void> {
    await withinDeadline(this.store.removeMember(this.identity.id), limitMs).catch((error: unknown) => {
      this.#options.logger.debug({ err: error }, "the store still holds this member for a while");
    });
  }
}
