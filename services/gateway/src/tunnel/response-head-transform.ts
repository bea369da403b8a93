import { FAILED, type StreamTransform, type WireFailure } from "@shadowfleet/wire";
import { HeldBytes } from "../front/held-bytes.ts";
import { RESPONSE_HEAD_GROWTH, ResponseHeadRewriter } from "../front/http-response.ts";

/** Origin to client of one plain HTTP exchange: opens, rewrites the response head, and from then on only opens. */
export class ResponseHeadTransform implements StreamTransform {
  readonly #opener: StreamTransform;
  readonly #rewriter = new ResponseHeadRewriter();
  readonly #held = new HeldBytes();
  #heldLength = 0;
  #passing = false;

  constructor(opener: StreamTransform) {
    this.#opener = opener;
  }

  get failure(): WireFailure | undefined {
    return this.#opener.failure;
  }

  get atBoundary(): boolean {
    return this.#opener.atBoundary;
  }

  bound(length: number): number {
    const opened = this.#opener.bound(length);
    return this.#passing ? opened : this.#heldLength + opened + RESPONSE_HEAD_GROWTH;
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    const opened = this.#opener.push(src, start, end, dst, dstStart);
    if (this.#passing || opened === FAILED || opened === 0) return opened;
    return this.#rewrite(this.#held.take(dst, dstStart, dstStart + opened), dst, dstStart);
  }

  /** What is rewritten is built apart first: `bytes` may lie in `dst` itself. */
  #rewrite(bytes: Buffer, dst: Buffer, dstStart: number): number {
    const parts: Buffer[] = [];
    let rest = bytes;
    while (!this.#passing) {
      const step = this.#rewriter.push(rest);
      if (step.kind === "more") break;
      this.#passing = step.kind === "opaque" || step.final;
      if (step.kind === "opaque") break;
      parts.push(step.head);
      rest = rest.subarray(step.consumed);
    }
    if (this.#passing) parts.push(rest);
    const result = Buffer.concat(parts);
    // Only now: keeping moves what `rest` points into.
    this.#heldLength = this.#passing ? 0 : rest.length;
    this.#held.keep(bytes, this.#passing ? bytes.length : bytes.length - rest.length);
    return result.copy(dst, dstStart);
  }
}
