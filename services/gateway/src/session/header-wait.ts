import type { ErrorCode } from "@shadowfleet/runtime";
import { type Connection, takeProxyHeader } from "@shadowfleet/transport";
import type { Place, Receptions, Waiting } from "./receptions.ts";

export interface HeaderWaitOptions {
  readonly client: Connection;
  /** Where it waits with others. */
  readonly receptions: Receptions;
  /** From accept to a complete header. */
  readonly timeoutMs: number;
  /** The connection has its client's address; to be given its next handlers in this call. */
  readonly onClient: () => void;
  readonly onRefused: (code: ErrorCode) => void;
}

/** A load balancer's connection from accept until its PROXY protocol header is complete or refused. It has the handlers until then, and calls back once. */
export class HeaderWait implements Waiting {
  readonly #options: HeaderWaitOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #place: Place;
  #over = false;

  constructor(options: HeaderWaitOptions) {
    this.#options = options;
    const { client, timeoutMs, receptions } = options;
    this.#place = receptions.enter(this);
    this.#timer = setTimeout(() => this.#refuse("HANDSHAKE_TIMEOUT"), timeoutMs);
    takeProxyHeader(client, { onClient: () => this.#known(), onRefused: () => this.#refuse("PROXY_HEADER_INVALID") });
    client.onEnd = () => this.#refuse("CLOSED_IN_HANDSHAKE");
    client.onClose = () => this.#refuse("CLOSED_IN_HANDSHAKE");
    client.resume();
  }

  /** Gives up waiting; calls nobody back. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#options.receptions.leave(this.#place);
  }

  displace(): void {
    this.#refuse("HANDSHAKE_LIMIT");
  }

  #known(): void {
    this.cancel();
    this.#options.onClient();
  }

  #refuse(code: ErrorCode): void {
    if (this.#over) return;
    this.cancel();
    this.#options.onRefused(code);
  }
}
