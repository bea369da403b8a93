import type { ErrorCode } from "@shadowfleet/runtime";
import { type Connection, takeProxyHeader } from "@shadowfleet/transport";
import { NOTHING } from "../front/front-door.ts";
import type { ReceptionOwner } from "./reception.ts";

/** Called back once. */
export interface HeaderWaitOwner extends Pick<ReceptionOwner, "requestRefused"> {
  /** The connection has its client's address; to be given its next handlers in this call. */
  clientKnown(): void;
}

/** A load balancer's connection from accept until its PROXY protocol header is complete or refused. It has the handlers until then. */
export class HeaderWait {
  readonly #owner: HeaderWaitOwner;
  #over = false;

  constructor(client: Connection, owner: HeaderWaitOwner) {
    this.#owner = owner;
    const left = () => this.refuse("CLOSED_IN_HANDSHAKE");
    takeProxyHeader(client, { onClient: () => this.#known(), onRefused: () => this.refuse("PROXY_HEADER_INVALID") });
    client.onEnd = left;
    client.onClose = left;
    client.resume();
  }

  /** Gives up waiting; calls nobody back. */
  cancel(): void {
    this.#over = true;
  }

  refuse(code: ErrorCode): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.requestRefused(code, NOTHING, undefined);
  }

  #known(): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.clientKnown();
  }
}
