import type { ErrorCode } from "@shadowfleet/runtime";
import type { Connection } from "@shadowfleet/transport";
import { protocolOf } from "../front/first-byte.ts";
import { type FrontDoor, NOTHING, type ProxyRequest } from "../front/front-door.ts";
import { HttpDoor } from "../front/http-proxy.ts";
import type { ProxyUsers } from "../front/proxy-users.ts";
import { Socks4Door } from "../front/socks4.ts";
import { Socks5Door } from "../front/socks5.ts";
import type { Place, Receptions, Waiting } from "./receptions.ts";

export interface ReceptionOptions {
  readonly client: Connection;
  readonly users: ProxyUsers;
  /** Where it waits with others. */
  readonly receptions: Receptions;
  /** From accept to a complete request. */
  readonly timeoutMs: number;
  readonly onRequest: (request: ProxyRequest, door: FrontDoor) => void;
  /** `answer` is what the client should still be told; empty when there is nothing to say. */
  readonly onRefused: (code: ErrorCode, answer: Buffer, door: FrontDoor | undefined) => void;
}

/** The client's connection from accept until its request is complete or refused. It has the handlers until then, and calls back once. */
export class Reception implements Waiting {
  readonly #options: ReceptionOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #place: Place;
  #door: FrontDoor | undefined;
  #over = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    const { client, timeoutMs, receptions } = options;
    this.#place = receptions.enter(this);
    this.#timer = setTimeout(() => this.#refuse("HANDSHAKE_TIMEOUT"), timeoutMs);
    client.onData = (src, start, end) => this.#read(src, start, end);
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

  #read(src: Buffer, start: number, end: number): void {
    const { client, users, onRequest, onRefused } = this.#options;
    this.#door ??= openDoor(src[start]!, users);
    if (!this.#door) {
      this.#refuse("PROTOCOL_UNKNOWN");
      return;
    }
    const step = this.#door.push(src, start, end);
    if (step.kind === "refused") {
      this.cancel();
      onRefused(step.code, step.reply, this.#door);
      return;
    }
    if (step.reply.length > 0) client.send(step.reply);
    if (step.kind === "more") return;
    this.cancel();
    onRequest(step.request, this.#door);
  }

  /** Without a complete request only an HTTP client can be told why: a SOCKS client expects an answer to some particular message. */
  #refuse(code: ErrorCode): void {
    if (this.#over) return;
    this.cancel();
    const answer = this.#door?.protocol === "http" ? this.#door.failed(code) : NOTHING;
    this.#options.onRefused(code, answer, this.#door);
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
