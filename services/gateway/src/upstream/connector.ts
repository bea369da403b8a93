import { type Clock, type ErrorCode, errorEntry, type HostPort, type Logger, type Metrics } from "@shadowfleet/runtime";
import { type Connection, type DialResult, dial, type Resolver } from "@shadowfleet/transport";
import type { Picker } from "./picker.ts";
import type { Upstream } from "./upstream.ts";

export interface ConnectorOptions {
  readonly picker: Picker;
  /** Where to dial for it; undefined where there is nothing to dial yet. */
  readonly endpointOf: (upstream: Upstream) => HostPort | undefined;
  /** Per upstream: resolving and connecting together. */
  readonly dialTimeoutMs: number;
  readonly resolver: Resolver;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Sends the first bytes over a connection that stands and takes it over. False: it was closed before they could be sent, so the next upstream
 * is due; the connection stays with the connector.
 */
export type OpenTunnel = (upstream: Upstream, connection: Connection) => Promise<boolean>;

/** Finds an upstream that takes a request, by the picker's plan. As in the ancestor a try is the dial and the first write together. */
export class Connector {
  readonly #options: ConnectorOptions;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** "OK" once a tunnel was opened; else why the last try failed, NO_UPSTREAM when there was none, SESSION_TERMINATED when given up. Never rejects. */
  async connect(open: OpenTunnel, signal: AbortSignal): Promise<"OK" | ErrorCode> {
    const { picker, clock } = this.#options;
    let outcome: "OK" | ErrorCode = "NO_UPSTREAM";
    for (const upstream of picker.plan()) {
      const startedMs = clock.monotonic();
      const result = await this.#dial(upstream, signal);
      const latencyMs = clock.monotonic() - startedMs;
      outcome = result.ok ? await this.#open(upstream, result.connection, open) : result.code;
      // The client is gone: that says nothing about the upstream.
      if (signal.aborted && outcome !== "OK") return "SESSION_TERMINATED";
      picker.report(upstream, outcome, latencyMs);
      // Relays behind a name may have been replaced by others with other addresses.
      if (!result.ok) this.#options.resolver.doubt?.(upstream.host);
      this.#record(upstream, outcome, result.ok ? "OK" : result.code, latencyMs);
      if (outcome === "OK") return outcome;
    }
    return outcome;
  }

  async #dial(upstream: Upstream, signal: AbortSignal): Promise<DialResult> {
    const { dialTimeoutMs, resolver, endpointOf } = this.#options;
    const endpoint = endpointOf(upstream);
    if (!endpoint) return { ok: false, code: "PLUGIN_FAILED", cause: undefined };
    return await dial({ host: endpoint.host, port: endpoint.port, timeoutMs: dialTimeoutMs, resolver, signal });
  }

  async #open(upstream: Upstream, connection: Connection, open: OpenTunnel): Promise<"OK" | ErrorCode> {
    if (await open(upstream, connection)) return "OK";
    connection.destroy();
    return "DIAL_FAILED";
  }

  #record(upstream: Upstream, outcome: "OK" | ErrorCode, dialled: "OK" | ErrorCode, latencyMs: number): void {
    const { metrics, logger } = this.#options;
    metrics.record("shadowsocks.dial.duration.seconds", latencyMs / 1000, { "error.type": dialled });
    metrics.add("shadowsocks.upstream.picks", 1, { upstream: upstream.id, result: outcome });
    if (outcome !== "OK") logger[errorEntry(outcome).level]({ code: outcome, upstream: upstream.id }, "upstream try failed");
  }
}
