import type { WireFailure } from "../failure.ts";
import { FAILED, type StreamTransform } from "../stream.ts";
import type { LegacyCipher } from "./cipher.ts";

/** One direction of a stream method after its IV: as many bytes out as in, no chunks, nothing to authenticate. */
export class LegacyTransform implements StreamTransform {
  readonly atBoundary = true;
  failure: WireFailure | undefined = undefined;
  readonly #cipher: LegacyCipher;
  #done = 0;

  constructor(cipher: LegacyCipher) {
    this.#cipher = cipher;
  }

  bound(length: number): number {
    return length;
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    this.#done += end - start;
    // Going on would repeat the key stream. BAD_HEADER stands for "length out of range" here.
    if (this.#done > this.#cipher.capacity) this.failure = "BAD_HEADER";
    if (this.failure !== undefined) return FAILED;
    this.#cipher.apply(src, start, end, dst, dstStart);
    return end - start;
  }
}
