import type { WireFailure } from "./failure.ts";
import { shortCopy } from "./short-copy.ts";
import type { ChunkStream, StreamTransform } from "./stream.ts";

/** Fills its argument with a fresh salt and returns the transform that seals what follows it. */
export type SealAfterSalt = (salt: Buffer) => StreamTransform;

/**
 * Seals a direction that begins with a salt (or IV) of its own. The first bytes bring it: a connection that never answers costs no key
 * derivation, and salt and data leave in one write.
 */
export class SaltedSealer implements StreamTransform {
  readonly atBoundary = true;
  readonly #sealAfter: SealAfterSalt;
  #salt: Buffer | undefined;
  #inner: StreamTransform | undefined = undefined;

  constructor(saltLength: number, sealAfter: SealAfterSalt) {
    this.#salt = Buffer.allocUnsafeSlow(saltLength);
    this.#sealAfter = sealAfter;
  }

  get failure(): WireFailure | undefined {
    return this.#inner?.failure;
  }

  get chunks(): ChunkStream | undefined {
    return this.#salt === undefined ? this.#inner?.chunks : undefined;
  }

  bound(length: number): number {
    if (length === 0) return 0;
    return this.#begin().bound(length) + (this.#salt?.length ?? 0);
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    if (start === end) return 0;
    const inner = this.#begin();
    const salt = this.#salt;
    if (salt === undefined) return inner.push(src, start, end, dst, dstStart);
    this.#salt = undefined;
    const at = shortCopy(salt, 0, salt.length, dst, dstStart);
    return at + inner.push(src, start, end, dst, at) - dstStart;
  }

  #begin(): StreamTransform {
    this.#inner ??= this.#sealAfter(this.#salt as Buffer);
    return this.#inner;
  }
}
