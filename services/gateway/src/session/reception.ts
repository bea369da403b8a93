import type { ErrorCode } from "@shadowfleet/runtime";
import { type Connection, hear } from "@shadowfleet/transport";
import { protocolOf } from "../front/first-byte.ts";
import { type FrontDoor, NOTHING, type ProxyRequest } from "../front/front-door.ts";
import { HttpDoor } from "../front/http-proxy.ts";
import type { ProxyUsers } from "../front/proxy-users.ts";
import { Socks4Door } from "../front/socks4.ts";
import { Socks5Door } from "../front/socks5.ts";

/** Called back once. */
export interface ReceptionOwner {
  requestReceived(request: ProxyRequest, door: FrontDoor): void;
  /** `answer` is what the client should still be told; empty when there is nothing to say. */
  requestRefused(code: ErrorCode, answer: Buffer, door: FrontDoor | undefined): void;
}

/** The client's connection from accept until its request is complete or refused. It has the handlers until then. */
export class Reception {
  readonly #client: Connection;
  readonly #users: ProxyUsers;
  readonly #owner: ReceptionOwner;
  #door: FrontDoor | undefined;
  #over = false;

  constructor(client: Connection, users: ProxyUsers, owner: ReceptionOwner) {
    this.#client = client;
    this.#users = users;
    this.#owner = owner;
    this.#listen();
  }

  /** Gives up waiting; calls nobody back. */
  cancel(): void {
    this.#over = true;
  }

  /** Without a complete request only an HTTP client can be told why: a SOCKS client expects an answer to some particular message. */
  refuse(code: ErrorCode): void {
    if (this.#over) return;
    this.#over = true;
    const answer = this.#door?.protocol === "http" ? this.#door.failed(code) : NOTHING;
    this.#owner.requestRefused(code, answer, this.#door);
  }

  #listen(): void {
    const client = this.#client;
    const left = () => this.refuse("CLOSED_IN_HANDSHAKE");
    hear(client, { onData: (src, start, end) => this.#read(src, start, end), onEnd: left, onClose: left });
    client.resume();
  }

  #read(src: Buffer, start: number, end: number): void {
    this.#door ??= openDoor(src[start]!, this.#users);
    if (!this.#door) {
      this.refuse("PROTOCOL_UNKNOWN");
      return;
    }
    const step = this.#door.push(src, start, end);
    if (step.kind === "refused") {
      this.#over = true;
      this.#owner.requestRefused(step.code, step.reply, this.#door);
      return;
    }
    if (step.reply.length > 0) this.#client.send(step.reply);
    if (step.kind === "more") return;
    this.#over = true;
    this.#owner.requestReceived(step.request, this.#door);
  }
}

function openDoor(firstByte: number, users: ProxyUsers): FrontDoor | undefined {
  switch (protocolOf(firstByte)) {
    case "socks5":
      return new Socks5Door(users);
    case "socks4":
      return new Socks4Door(users);
    case "http":
      return new HttpDoor(users);
    default:
      return undefined;
  }
}
