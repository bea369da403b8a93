/** Five 32-bit words: a SHA-1 chaining state. */
export type Sha1State = Int32Array;

export const SHA1_LENGTH = 20;
export const SHA1_BLOCK = 64;
/** Words of a block. */
export const BLOCK_WORDS = SHA1_BLOCK / 4;

const PADDING_BIT = 0x80;
/** Longest message that leaves room for the padding bit and the 64-bit length in its block. */
const SHORT_MESSAGE = SHA1_BLOCK - 1 - 8;

const INITIAL = Int32Array.of(0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0);
const schedule = new Int32Array(80);

/** A state that has absorbed nothing. */
export function createSha1State(): Sha1State {
  return INITIAL.slice();
}

/** Puts the first `length` bytes, zero-filled, into `into` as big-endian words. */
export function loadWords(into: Int32Array, bytes: Uint8Array, length = bytes.length): void {
  // No `fill`: for so few words it is a call into V8.
  for (let word = 0; word < BLOCK_WORDS; word += 1) into[word] = 0;
  for (let i = 0; i < length; i += 1) into[i >> 2] = (into[i >> 2] as number) | ((bytes[i] as number) << (24 - 8 * (i & 3)));
}

/** Makes `into` the second and last block of a hash: the first `length` bytes after one block. */
export function loadLastBlock(into: Int32Array, bytes: Uint8Array, length = bytes.length): void {
  if (length > SHORT_MESSAGE) throw new RangeError(`at most ${SHORT_MESSAGE} bytes fit here, not ${length}`);
  loadWords(into, bytes, length);
  into[length >> 2] = (into[length >> 2] as number) | (PADDING_BIT << (24 - 8 * (length & 3)));
  into[BLOCK_WORDS - 1] = (SHA1_BLOCK + length) * 8;
}

/**
 * FIPS 180-4 §6.1.2: into = compress(from, block), `block` being 16 big-endian words. `into` may be `from`. A fixed number of steps without
 * secret-dependent branches or indices.
 */
export function compressSha1(from: Sha1State, block: Int32Array, into: Sha1State): void {
  const w = schedule;
  for (let i = 0; i < 16; i += 1) w[i] = block[i] as number;
  for (let i = 16; i < 80; i += 1) {
    const x = (w[i - 3] as number) ^ (w[i - 8] as number) ^ (w[i - 14] as number) ^ (w[i - 16] as number);
    w[i] = (x << 1) | (x >>> 31);
  }
  const h0 = from[0] as number;
  const h1 = from[1] as number;
  const h2 = from[2] as number;
  const h3 = from[3] as number;
  const h4 = from[4] as number;
  let a = h0;
  let b = h1;
  let c = h2;
  let d = h3;
  let e = h4;
  let next: number;
  for (let i = 0; i < 20; i += 1) {
    next = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + 0x5a827999 + (w[i] as number)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let i = 20; i < 40; i += 1) {
    next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + (w[i] as number)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let i = 40; i < 60; i += 1) {
    next = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + 0x8f1bbcdc + (w[i] as number)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let i = 60; i < 80; i += 1) {
    next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62c1d6 + (w[i] as number)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  into[0] = h0 + a;
  into[1] = h1 + b;
  into[2] = h2 + c;
  into[3] = h3 + d;
  into[4] = h4 + e;
}
