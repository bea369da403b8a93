import { FAILED, type StreamTransform, type WireFailure } from "@shadowfleet/wire";
import { type BodyScanner, MALFORMED } from "../front/http-body.ts";

/** Client to origin of one plain HTTP exchange: passes the request's body to the sealer and drops what comes behind it. */
export class RequestBodyTransform implements StreamTransform {
  readonly #body: BodyScanner;
  readonly #sealer: StreamTransform;
  #malformed = false;

  constructor(body: BodyScanner, sealer: StreamTransform) {
    this.#body = body;
    this.#sealer = sealer;
  }

  /** The client's chunks are wrong, which only the client can have caused. */
  get malformed(): boolean {
    return this.#malformed;
  }

  get failure(): WireFailure | undefined {
    return this.#malformed ? "BAD_HEADER" : this.#sealer.failure;
  }

  /** A body cut short is the origin's to judge; it sees the end of the stream too. */
  get atBoundary(): boolean {
    return this.#sealer.atBoundary;
  }

  bound(length: number): number {
    return this.#sealer.bound(length);
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    const taken = this.#malformed ? MALFORMED : this.#body.take(src, start, end);
    if (taken === MALFORMED) {
      this.#malformed = true;
      return FAILED;
    }
    return taken === 0 ? 0 : this.#sealer.push(src, start, start + taken, dst, dstStart);
  }
}
