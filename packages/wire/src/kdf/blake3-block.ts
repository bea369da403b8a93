/** BLAKE3 (§2 of its specification) for what fits one block, which is all that SIP022 and SIP023 hash. */

export const BLAKE3_BLOCK = 64;
const WORDS = 16;
const KEY_WORDS = 8;
const ROUNDS = 7;

const CHUNK_START = 1;
const CHUNK_END = 2;
const ROOT = 8;
/** The only block of the only chunk. */
const WHOLE = CHUNK_START | CHUNK_END | ROOT;

/** What is hashed, for BLAKE3's modes: anything, a context, or key material under a context. */
export const HASH = WHOLE;
export const DERIVE_KEY_CONTEXT = WHOLE | 32;
export const DERIVE_KEY_MATERIAL = WHOLE | 64;

/** Eight words. */
export type ChainingValue = Int32Array;

export const INITIAL: ChainingValue = Int32Array.of(
  0x6a09e667,
  0xbb67ae85 | 0,
  0x3c6ef372,
  0xa54ff53a | 0,
  0x510e527f,
  0x9b05688c | 0,
  0x1f83d9ab,
  0x5be0cd19,
);

const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];

/** Which word of the message goes where, round by round. */
const schedule = new Uint8Array(ROUNDS * WORDS);
for (let i = 0; i < WORDS; i += 1) schedule[i] = i;
for (let i = WORDS; i < schedule.length; i += 1) schedule[i] = schedule[i - WORDS - (i % WORDS) + PERMUTATION[i % WORDS]!]!;

const v = new Int32Array(WORDS);

function mix(a: number, b: number, c: number, d: number, x: number, y: number): void {
  let va = v[a] as number;
  let vb = v[b] as number;
  let vc = v[c] as number;
  let vd = v[d] as number;
  va = (va + vb + x) | 0;
  vd ^= va;
  vd = (vd << 16) | (vd >>> 16);
  vc = (vc + vd) | 0;
  vb ^= vc;
  vb = (vb << 20) | (vb >>> 12);
  va = (va + vb + y) | 0;
  vd ^= va;
  vd = (vd << 24) | (vd >>> 8);
  vc = (vc + vd) | 0;
  vb ^= vc;
  v[a] = va;
  v[b] = (vb << 25) | (vb >>> 7);
  v[c] = vc;
  v[d] = vd;
}

/**
 * into = the first eight words of output for `length` bytes, given as `block`, 16 little-endian words with zeros behind them. `into` may be `from`. No branch
 * and no index depends on a value.
 */
export function compressBlake3(from: ChainingValue, block: Int32Array, length: number, flags: number, into: ChainingValue): void {
  for (let i = 0; i < KEY_WORDS; i += 1) v[i] = from[i] as number;
  for (let i = 0; i < 4; i += 1) v[KEY_WORDS + i] = INITIAL[i] as number;
  v[12] = 0;
  v[13] = 0;
  v[14] = length;
  v[15] = flags;
  for (let at = 0; at < schedule.length; at += WORDS) {
    mix(0, 4, 8, 12, wordOf(block, at), wordOf(block, at + 1));
    mix(1, 5, 9, 13, wordOf(block, at + 2), wordOf(block, at + 3));
    mix(2, 6, 10, 14, wordOf(block, at + 4), wordOf(block, at + 5));
    mix(3, 7, 11, 15, wordOf(block, at + 6), wordOf(block, at + 7));
    mix(0, 5, 10, 15, wordOf(block, at + 8), wordOf(block, at + 9));
    mix(1, 6, 11, 12, wordOf(block, at + 10), wordOf(block, at + 11));
    mix(2, 7, 8, 13, wordOf(block, at + 12), wordOf(block, at + 13));
    mix(3, 4, 9, 14, wordOf(block, at + 14), wordOf(block, at + 15));
  }
  for (let i = 0; i < KEY_WORDS; i += 1) into[i] = (v[i] as number) ^ (v[KEY_WORDS + i] as number);
}

function wordOf(block: Int32Array, at: number): number {
  return block[schedule[at] as number] as number;
}
