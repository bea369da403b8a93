import type { Connection } from "@shadowfleet/transport";
import { type BodyScanner, MALFORMED } from "../front/http-body.ts";

/** Beyond so much the rest stays in the kernel until the tunnel runs. */
const ENOUGH_BYTES = 16 * 1024;

/**
 * What the client sends before its tunnel runs. Reading goes on meanwhile, because a paused socket does not tell that the client has gone, and
 * because everything that is here by then can travel in the first packet.
 */
export class EarlyPayload {
  readonly #client: Connection;
  readonly #body: BodyScanner | undefined;
  readonly #onMalformed: () => void;
  #parts: Buffer[] = [];
  #length = 0;
  #settleFirst: () => void = () => {};

  /** `body`: plain HTTP, where bytes behind the request's body are dropped; `onMalformed` when it is none. */
  constructor(client: Connection, payload: Buffer, body: BodyScanner | undefined, onMalformed: () => void) {
    this.#client = client;
    this.#body = body;
    this.#onMalformed = onMalformed;
    this.#keep(payload);
  }

  /** Takes the client's data and end. An end of stream is a half-close: the request stands. */
  listen(): void {
    const client = this.#client;
    client.onData = (src, start, end) => this.#read(src, start, end);
    client.onEnd = () => this.#settleFirst();
    if (this.#length >= ENOUGH_BYTES) client.pause();
  }

  /** Resolves when there is anything to send, when nothing can come any more, or after `waitMs`. */
  first(waitMs: number): Promise<void> {
    if (this.#length > 0 || waitMs === 0 || this.#client.ended || this.#client.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#settleFirst = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** All there is, once; owned by the caller. */
  take(): Buffer {
    const [only, ...more] = this.#parts;
    const payload = only && more.length === 0 ? only : Buffer.concat(this.#parts);
    this.#parts = [];
    return payload;
  }

  /** Nobody wants it any more. */
  stop(): void {
    this.#parts = [];
    this.#settleFirst();
  }

  #read(src: Buffer, start: number, end: number): void {
    const taken = this.#body ? this.#body.take(src, start, end) : end - start;
    if (taken === MALFORMED) {
      this.#onMalformed();
      return;
    }
    this.#keep(Buffer.from(src.subarray(start, start + taken)));
    if (this.#length >= ENOUGH_BYTES) this.#client.pause();
    this.#settleFirst();
  }

  #keep(part: Buffer): void {
    if (part.length > 0) this.#parts.push(part);
    this.#length += part.length;
  }
}
