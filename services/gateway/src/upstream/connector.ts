import type { Metrics } from "@shadowfleet/runtime";
import { TryCounts } from "./try-counts.ts";
import { type SearchOptions, type Seeker, UpstreamSearch } from "./upstream-search.ts";

export interface ConnectorOptions extends Omit<SearchOptions, "counts"> {
  readonly metrics: Metrics;
}

/** Finds upstreams that take requests, by the picker's plan. */
export class Connector {
  readonly #options: SearchOptions;

  constructor({ metrics, ...options }: ConnectorOptions) {
    this.#options = { ...options, counts: new TryCounts(metrics) };
  }

  /** A search for that seeker, to be started. */
  search(seeker: Seeker): UpstreamSearch {
    return new UpstreamSearch(this.#options, seeker);
  }
}
