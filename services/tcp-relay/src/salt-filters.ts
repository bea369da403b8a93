import type { PortConfig } from "@shadowfleet/relay";
import { type MethodKind, type SaltFilter, SaltHistory, SaltPool } from "@shadowfleet/wire";

/** SIP004 salts remembered per port and generation; two generations cost at most 20 MB a port. */
const HISTORY_CAPACITY = 100_000;

const FILTERED: readonly MethodKind[] = ["aead", "aead-2022"];

interface CountedFilter extends SaltFilter {
  readonly entries: number;
}

/**
 * The replay filters of all ports: one per port and kind of method, kept while the port is configured, whatever happens to its keys and
 * listener. Filters of different ports are apart, because their keys are.
 */
export class SaltFilters {
  readonly #filters = new Map<string, CountedFilter>();

  /** Salts remembered now, in all filters. */
  get entries(): number {
    let entries = 0;
    for (const filter of this.#filters.values()) entries += filter.entries;
    return entries;
  }

  /**
   * SIP022 §3.1.4 demands a filter; for SIP004 it can be switched off, having no time limit; for stream ciphers there is none, since without
   * authentication anyone could fill it.
   */
  filterFor(port: number, kind: MethodKind, replayFilter: boolean): SaltFilter | undefined {
    if (kind === "stream" || (kind === "aead" && !replayFilter)) return undefined;
    const name = filterName(port, kind);
    let filter = this.#filters.get(name);
    if (!filter) {
      filter = kind === "aead-2022" ? new SaltPool() : new SaltHistory(HISTORY_CAPACITY);
      this.#filters.set(name, filter);
    }
    return filter;
  }

  /** Forgets the filters of ports that have left the configuration. */
  retain(ports: readonly PortConfig[]): void {
    const kept = new Set(ports.flatMap(({ port }) => FILTERED.map((kind) => filterName(port, kind))));
    for (const name of this.#filters.keys()) if (!kept.has(name)) this.#filters.delete(name);
  }

  /** Forgets the filters of these ports. */
  forget(ports: readonly number[]): void {
    for (const port of ports) for (const kind of FILTERED) this.#filters.delete(filterName(port, kind));
  }
}

function filterName(port: number, kind: MethodKind): string {
  return `${port}/${kind}`;
}
