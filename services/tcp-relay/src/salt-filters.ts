import type { PortConfig } from "@shadowfleet/relay";
import { type MethodKind, type SaltFilter, SaltHistory, SaltPool } from "@shadowfleet/wire";

/** SIP004 salts remembered per port and generation; two generations cost at most 15 MB a port. */
const HISTORY_CAPACITY = 100_000;

/**
 * The replay filters of all ports: one per port and kind of method, kept while the port is configured, whatever happens to its keys and
 * listener. Filters of different ports are apart, because their keys are.
 */
export class SaltFilters {
  readonly #histories = new Map<number, SaltHistory>();
  readonly #pools = new Map<number, SaltPool>();

  /** Salts remembered now, in all filters. */
  get entries(): number {
    let entries = 0;
    for (const filters of this.#all()) for (const filter of filters.values()) entries += filter.entries;
    return entries;
  }

  /**
   * SIP022 §3.1.4 demands a filter; for SIP004 it can be switched off, having no time limit; for stream ciphers there is none, since without
   * authentication anyone could fill it.
   */
  filterFor(port: number, kind: MethodKind, replayFilter: boolean): SaltFilter | undefined {
    if (kind === "stream" || (kind === "aead" && !replayFilter)) return undefined;
    return kind === "aead-2022" ? this.#poolOf(port) : this.#historyOf(port);
  }

  /** Forgets the filters of ports that have left the configuration. */
  retain(ports: readonly PortConfig[]): void {
    const kept = new Set(ports.map(({ port }) => port));
    for (const filters of this.#all()) for (const port of filters.keys()) if (!kept.has(port)) filters.delete(port);
  }

  /** Forgets the filters of these ports. */
  forget(ports: readonly number[]): void {
    for (const filters of this.#all()) for (const port of ports) filters.delete(port);
  }

  #poolOf(port: number): SaltPool {
    let pool = this.#pools.get(port);
    if (!pool) {
      pool = new SaltPool();
      this.#pools.set(port, pool);
    }
    return pool;
  }

  #historyOf(port: number): SaltHistory {
    let history = this.#histories.get(port);
    if (!history) {
      history = new SaltHistory(HISTORY_CAPACITY);
      this.#histories.set(port, history);
    }
    return history;
  }

  #all() {
    return [this.#histories, this.#pools] as const;
  }
}
