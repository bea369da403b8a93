import { systemClock } from "@shadowfleet/runtime";
import { type Connection, type Deadlines, deadlinesAfter, type Expiring, hear, type RecencyNode } from "@shadowfleet/transport";
import { NOTHING } from "../front/front-door.ts";
import { type BodyScanner, MALFORMED } from "../front/http-body.ts";

/** Beyond so much the rest stays in the kernel until the tunnel runs. */
const ENOUGH_BYTES = 16 * 1024;

export interface EarlyPayloadOwner {
  /** What `awaitFirst` waited for is there, or is waited for no more. */
  payloadDue(): void;
  /** Plain HTTP: the request's body is none. */
  payloadMalformed(): void;
}

/**
 * What the client sends before its tunnel runs. Reading goes on meanwhile, because a paused socket does not tell that the client has gone, and
 * because everything that is here by then can travel in the first packet.
 */
export class EarlyPayload implements Expiring {
  startedMs = 0;
  readonly #client: Connection;
  readonly #body: BodyScanner | undefined;
  readonly #owner: EarlyPayloadOwner;
  #first: Buffer;
  #more: Buffer[] | undefined;
  #length: number;
  #deadlines: Deadlines | undefined;
  #deadline: RecencyNode<Expiring> | undefined;

  /** `body`: plain HTTP, where bytes behind the request's body are dropped. */
  constructor(client: Connection, payload: Buffer, body: BodyScanner | undefined, owner: EarlyPayloadOwner) {
    this.#client = client;
    this.#body = body;
    this.#owner = owner;
    this.#first = payload;
    this.#length = payload.length;
  }

  /** Takes the client's data and end. An end of stream is a half-close: the request stands. */
  listen(): void {
    const client = this.#client;
    hear(client, { onData: (src, start, end) => this.#read(src, start, end), onEnd: () => this.#endWait() });
    if (this.#length >= ENOUGH_BYTES) client.pause();
  }

  /** Tells the owner when there is anything to send, when nothing can come any more, or after `waitMs`: maybe within this call. Once at a time. */
  awaitFirst(waitMs: number): void {
    if (this.#length > 0 || waitMs === 0 || this.#client.ended || this.#client.closed) {
      this.#owner.payloadDue();
      return;
    }
    this.startedMs = systemClock.monotonic();
    this.#deadlines = deadlinesAfter(waitMs);
    this.#deadline = this.#deadlines.add(this);
  }

  /** The wait is over. */
  expire(): void {
    this.#endWait();
  }

  /** All there is, once; only to be looked at within the turn. */
  take(): Buffer {
    const payload = this.#more === undefined ? this.#first : Buffer.concat([this.#first, ...this.#more]);
    this.#first = NOTHING;
    this.#more = undefined;
    return payload;
  }

  /** Nobody wants it any more, and nobody is told of it. */
  stop(): void {
    this.take();
    this.#leaveWait();
  }

  #read(src: Buffer, start: number, end: number): void {
    const taken = this.#body ? this.#body.take(src, start, end) : end - start;
    if (taken === MALFORMED) {
      this.#owner.payloadMalformed();
      return;
    }
    const view = src.subarray(start, start + taken);
    // Who waits for it takes it within this call, before the next read overwrites it.
    if (taken > 0) this.#keep(this.#deadline === undefined ? Buffer.from(view) : view);
    this.#endWait();
    if (this.#first === view) this.#first = Buffer.from(view);
  }

  #keep(part: Buffer): void {
    if (this.#length === 0) this.#first = part;
    else if (this.#more === undefined) this.#more = [part];
    else this.#more.push(part);
    this.#length += part.length;
    if (this.#length >= ENOUGH_BYTES) this.#client.pause();
  }

  #endWait(): void {
    if (this.#leaveWait()) this.#owner.payloadDue();
  }

  #leaveWait(): boolean {
    if (this.#deadline === undefined) return false;
    this.#deadlines?.remove(this.#deadline);
    this.#deadline = undefined;
    return true;
  }
}
