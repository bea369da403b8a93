import { salsa20 } from "@noble/ciphers/salsa.js";

const BLOCK = 64;
const ZEROS = new Uint8Array(BLOCK);

/** Salsa20 (8-byte nonce, counter from 0) as a stream: @noble/ciphers gives whole messages, this continues one across any split. */
export class Salsa20Stream {
  /** The library's counter has 32 bits and refuses the last one. */
  readonly capacity = (2 ** 32 - 2) * BLOCK;
  readonly #key: Buffer;
  readonly #nonce: Buffer;
  readonly #block = Buffer.alloc(BLOCK);
  /** Of the next block. */
  #counter = 0;
  /** Bytes of `#block` used up. */
  #used = BLOCK;

  /** `key`: 32 bytes, not copied; `nonce`: 8 bytes, copied. */
  constructor(key: Buffer, nonce: Buffer) {
    this.#key = key;
    this.#nonce = Buffer.from(nonce);
  }

  /** Writes src[start, end) xor the next key stream bytes to dst from `at` on. */
  apply(src: Buffer, start: number, end: number, dst: Buffer, at: number): void {
    let from = start + this.#applyBlock(src, start, end, dst, at);
    const whole = end - from - ((end - from) % BLOCK);
    if (whole > 0) {
      const to = at + from - start;
      salsa20(this.#key, this.#nonce, src.subarray(from, from + whole), dst.subarray(to, to + whole), this.#counter);
      this.#counter += whole / BLOCK;
      from += whole;
    }
    if (from < end) {
      salsa20(this.#key, this.#nonce, ZEROS, this.#block, this.#counter);
      this.#counter += 1;
      this.#used = 0;
      this.#applyBlock(src, from, end, dst, at + from - start);
    }
  }

  /** Uses what is left of the current block; returns the bytes done. */
  #applyBlock(src: Buffer, start: number, end: number, dst: Buffer, at: number): number {
    const count = Math.min(BLOCK - this.#used, end - start);
    for (let i = 0; i < count; i += 1) dst[at + i] = (src[start + i] as number) ^ (this.#block[this.#used + i] as number);
    this.#used += count;
    return count;
  }
}
