import type { Logger, Metrics, Observation, ObservedName } from "@shadowfleet/runtime";
import type { FleetStore, StoreServer } from "@shadowfleet/store";

export interface StoreServersOptions {
  readonly store: Pick<FleetStore, "readServers">;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly intervalMs: number;
}

const GAUGES: Readonly<Partial<Record<ObservedName, (server: StoreServer) => number>>> = {
  "fleet.redis.memory.bytes": ({ memoryBytes }) => memoryBytes,
  "fleet.redis.memory.limit.bytes": ({ memoryLimitBytes }) => memoryLimitBytes,
  "fleet.redis.clients": ({ clients }) => clients,
  "fleet.redis.commands": ({ commands }) => commands,
  "fleet.redis.keys": ({ keys }) => keys,
  "fleet.redis.uptime.seconds": ({ uptimeSeconds }) => uptimeSeconds,
  "fleet.redis.aof.ok": ({ isAofOk }) => (isAofOk ? 1 : 0),
  "fleet.redis.replicas": ({ replicas }) => replicas,
};

/** Asks the store's servers now and then how they are, so that a scrape never waits for them. While they do not answer there is nothing to tell. */
export class StoreServers {
  readonly #options: StoreServersOptions;
  #last: readonly StoreServer[] = [];
  #timer: NodeJS.Timeout | undefined;
  #removers: readonly (() => void)[] = [];

  constructor(options: StoreServersOptions) {
    this.#options = options;
  }

  start(): void {
    const { metrics, intervalMs } = this.#options;
    this.#removers = Object.entries(GAUGES).map(([name, read]) => metrics.observe(name as ObservedName, () => this.#observe(read)));
    this.#timer = setInterval(() => void this.#ask(), intervalMs);
    this.#timer.unref();
    void this.#ask();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const remove of this.#removers) remove();
  }

  #observe(read: (server: StoreServer) => number): Observation[] {
    return this.#last.map((server) => ({ value: read(server), attributes: { "redis.node": server.node } }));
  }

  async #ask(): Promise<void> {
    try {
      this.#last = await this.#options.store.readServers();
    } catch (error) {
      this.#last = [];
      // Whether the store is away is told elsewhere; this may also be an ACL that does not allow INFO.
      this.#options.logger.debug({ reason: (error as Error).message }, "the store's servers do not say how they are");
    }
  }
}
