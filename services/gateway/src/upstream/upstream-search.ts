import { type Clock, type ErrorCode, errorEntry, type HostPort, type Logger } from "@shadowfleet/runtime";
import { type Connection, type Dial, type DialResult, type Resolver, startDial } from "@shadowfleet/transport";
import type { Picker } from "./picker.ts";
import type { TryCounts } from "./try-counts.ts";
import type { Upstream } from "./upstream.ts";

/** What searches share. */
export interface SearchOptions {
  readonly picker: Picker;
  /** Where to dial for it; undefined where there is nothing to dial yet. */
  readonly endpointOf: (upstream: Upstream) => HostPort | undefined;
  /** Per upstream: resolving and connecting together. */
  readonly dialTimeoutMs: number;
  readonly resolver: Resolver;
  readonly counts: TryCounts;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Who needs an upstream. Not called any more once it has taken a connection or has given the search up. */
export interface Seeker {
  /**
   * A connection to that upstream stands. The seeker sends the first bytes over it, now or later, and says how that went: `taken`, from where on the
   * connection is its own, or `fallen`.
   */
  upstreamStands(upstream: Upstream, connection: Connection): void;
  /** All tries have failed, the last one for this reason; NO_UPSTREAM when there was none. */
  searchFailed(code: ErrorCode): void;
  /** A bug: the search cannot go on. */
  searchBroke(error: unknown): void;
}

/** One request's way through the picker's plan. As in the ancestor a try is the dial and the first write together. */
export class UpstreamSearch {
  readonly #options: SearchOptions;
  readonly #seeker: Seeker;
  #plan: Iterator<Upstream> | undefined;
  #outcome: ErrorCode = "NO_UPSTREAM";
  /** Of the try under way. */
  #upstream: Upstream | undefined;
  #startedMs = 0;
  #latencyMs = 0;
  #dial: Dial | undefined;
  #connection: Connection | undefined;

  constructor(options: SearchOptions, seeker: Seeker) {
    this.#options = options;
    this.#seeker = seeker;
  }

  /** To be called once. The seeker may hear within the call that there is nothing to try, but not more. */
  start(): void {
    try {
      this.#plan = this.#options.picker.plan()[Symbol.iterator]();
      this.#tryNext();
    } catch (error) {
      this.#seeker.searchBroke(error);
    }
  }

  /** The first bytes are sent. */
  taken(): void {
    this.#connection = undefined;
    this.#tryOver("OK", "OK");
  }

  /** The connection was closed before they could be: the next upstream is due. */
  fallen(): void {
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#tryOver("DIAL_FAILED", "OK");
    this.#tryNext();
  }

  /** Gives up: the client is gone, which says nothing about the upstream. Without effect once a connection is taken. */
  cancel(): void {
    this.#dial?.cancel();
    this.#connection?.destroy();
    this.#dial = undefined;
    this.#connection = undefined;
  }

  #tryNext(): void {
    const { endpointOf, dialTimeoutMs: timeoutMs, resolver, clock } = this.#options;
    for (;;) {
      const upstream: Upstream | undefined = this.#plan?.next().value;
      if (upstream === undefined) {
        this.#seeker.searchFailed(this.#outcome);
        return;
      }
      this.#upstream = upstream;
      this.#startedMs = clock.monotonic();
      const endpoint = endpointOf(upstream);
      if (endpoint !== undefined) {
        this.#dial = startDial({ host: endpoint.host, port: endpoint.port, timeoutMs, resolver }, this.#onDialled);
        return;
      }
      this.#latencyMs = 0;
      this.#tryOver("PLUGIN_FAILED", "PLUGIN_FAILED");
    }
  }

  readonly #onDialled = (result: DialResult): void => {
    try {
      this.#dial = undefined;
      this.#latencyMs = this.#options.clock.monotonic() - this.#startedMs;
      if (result.ok) {
        this.#connection = result.connection;
        this.#seeker.upstreamStands(this.#upstream!, result.connection);
      } else {
        this.#tryOver(result.code, result.code);
        this.#tryNext();
      }
    } catch (error) {
      this.#seeker.searchBroke(error);
    }
  };

  #tryOver(outcome: "OK" | ErrorCode, dialled: "OK" | ErrorCode): void {
    const upstream = this.#upstream!;
    const { picker, resolver, counts, logger } = this.#options;
    picker.report(upstream, outcome, this.#latencyMs);
    counts.dialled(dialled, this.#latencyMs);
    counts.tried(upstream.id, outcome);
    if (outcome === "OK") return;
    this.#outcome = outcome;
    // Relays behind a name may have been replaced by others with other addresses.
    if (dialled !== "OK") resolver.doubt?.(upstream.host);
    logger[errorEntry(outcome).level]({ code: outcome, upstream: upstream.id }, "upstream try failed");
  }
}
