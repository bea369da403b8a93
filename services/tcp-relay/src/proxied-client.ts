import type { ErrorCode } from "@shadowfleet/runtime";
import { type Connection, hear, NOWHERE, takeProxyHeader } from "@shadowfleet/transport";
import type { ClientConnection } from "./connections.ts";
import type { RelayContext } from "./relay-context.ts";
import { logConnection } from "./session-end.ts";
import type { Expiry, Stranger } from "./silent-drain.ts";

/** Serves a connection that is its client's by now; `waited` is what has been watched for it. */
export type ServeClient = (connection: Connection, port: number, context: RelayContext, waited: Stranger) => void;

/**
 * A trusted proxy's connection from accept until its header has said whose it is. A stranger like any other: without a valid header it is read and
 * thrown away until the one deadline, and while it waits it counts as its proxy's; from the header on, as its client's.
 */
export class ProxiedClient implements Stranger, ClientConnection {
  readonly authenticated = false;
  readonly acceptedMs: number;
  livePlace = NOWHERE;
  /** The silent drain's. */
  place: Stranger["place"];
  readonly #client: Connection;
  readonly #port: number;
  readonly #context: RelayContext;
  readonly #serve: ServeClient;
  #refusal: ErrorCode | undefined;

  constructor(client: Connection, port: number, context: RelayContext, serve: ServeClient) {
    this.#client = client;
    this.#port = port;
    this.#context = context;
    this.#serve = serve;
    this.acceptedMs = context.clock.monotonic();
  }

  get clientHost(): string {
    return this.#client.remoteHost;
  }

  get clientPort(): number {
    return this.#client.remotePort;
  }

  /** Begins to read. To be called once, in the very turn of the accept. */
  start(): void {
    const client = this.#client;
    const { connections, silentDrain } = this.#context;
    takeProxyHeader(client, { onClient: () => this.#handOver(), onRefused: () => this.#refuse() });
    hear(client, { onEnd: () => client.destroy(), onClose: () => this.#closed() });
    connections.add(this);
    silentDrain.watch(this);
    // Gone before it was accepted, as health checks are: whose it was cannot be told any more, and what it sent is nobody's.
    if (this.clientHost === "") this.terminate("CLOSED_IN_HANDSHAKE");
    else client.resume();
  }

  expire(reason: Expiry): void {
    this.#refusal ??= this.#fail(reason);
    this.#client.destroy();
  }

  terminate(code: ErrorCode): void {
    this.#refusal ??= this.#fail(code);
    this.#client.destroy();
  }

  #handOver(): void {
    hear(this.#client, { onClose: () => {} });
    this.#serve(this.#client, this.#port, this.#context, this);
    // Last, so that a drain does not take the moment between the two for the end.
    this.#context.connections.delete(this);
  }

  #refuse(): void {
    this.#refusal = this.#fail("PROXY_HEADER_INVALID");
    this.#context.silentDrain.discard(this.#client);
  }

  #fail(code: ErrorCode): ErrorCode {
    this.#context.sessionMetrics.handshakeFailed(code);
    return code;
  }

  #closed(): void {
    const { silentDrain, connections, sessionMetrics, logger, clock } = this.#context;
    const code = this.#refusal ?? this.#fail("CLOSED_IN_HANDSHAKE");
    const durationMs = clock.monotonic() - this.acceptedMs;
    silentDrain.release(this);
    connections.delete(this);
    sessionMetrics.connectionOver(code, durationMs);
    logConnection(logger, {
      port: this.#port,
      code,
      durationMs,
      key: undefined,
      bytesUp: 0,
      bytesDown: 0,
      client: this,
      target: undefined,
    });
  }
}
