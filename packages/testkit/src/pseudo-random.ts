import { createHash } from "node:crypto";

const BLOCK_LENGTH = 16 * 1024;
/** The first blocks are short: who makes one for a few numbers should not pay for thousands. */
const FIRST_BLOCK_LENGTH = 64;
const WARM_UP_ROUNDS = 12;

/**
 * A fast byte stream that a seed determines (sfc32), for payloads too large to keep: both sides make it again or compare hashes. The bytes
 * do not depend on the sizes in which they are taken. Not for secrets.
 */
export class PseudoRandom {
  #block = Buffer.alloc(0);
  #used = 0;
  #a: number;
  #b = 0x9e3779b9;
  #c = 0x243f6a88;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    for (let i = 0; i < WARM_UP_ROUNDS; i++) this.#step();
  }

  /** Fills the whole of `target` with the next bytes. */
  fill(target: Buffer): void {
    let at = 0;
    while (at < target.length) {
      if (this.#used === this.#block.length) this.#refill();
      const copied = this.#block.copy(target, at, this.#used);
      at += copied;
      this.#used += copied;
    }
  }

  /** The next `length` bytes in a buffer of their own. */
  bytes(length: number): Buffer {
    const target = Buffer.allocUnsafe(length);
    this.fill(target);
    return target;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    if (this.#used === this.#block.length) this.#refill();
    const isWhole = this.#used + 4 <= this.#block.length;
    const word = isWhole ? this.#block.readUInt32LE(this.#used) : this.bytes(4).readUInt32LE();
    if (isWhole) this.#used += 4;
    return Math.floor((word / 0x1_0000_0000) * limit);
  }

  #refill(): void {
    const length = Math.min(BLOCK_LENGTH, this.#block.length * 2 || FIRST_BLOCK_LENGTH);
    if (this.#block.length < length) this.#block = Buffer.allocUnsafe(length);
    for (let at = 0; at < this.#block.length; at += 4) this.#block.writeInt32LE(this.#step(), at);
    this.#used = 0;
  }

  #step(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result;
    return result;
  }
}

/** SHA-256, in hex, of the first `length` bytes of the stream of `seed`. */
export function pseudoRandomSha256(seed: number, length: number): string {
  const stream = new PseudoRandom(seed);
  const hash = createHash("sha256");
  for (let left = length; left > 0; left -= BLOCK_LENGTH) hash.update(stream.bytes(Math.min(left, BLOCK_LENGTH)));
  return hash.digest("hex");
}
