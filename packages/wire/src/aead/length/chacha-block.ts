/** A ChaCha20 state or block: sixteen little-endian words. */
export type ChachaWords = Int32Array;

export const CHACHA_WORDS = 16;

/** Word offsets of key, block counter and nonce in a state (RFC 8439 §2.3). */
export const KEY_AT = 4;
export const COUNTER_AT = 12;
export const NONCE_AT = 13;

const DOUBLE_ROUNDS = 10;
const SIGMA = Int32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

function quarterRound(x: ChachaWords, ia: number, ib: number, ic: number, id: number): void {
  let a = x[ia] as number;
  let b = x[ib] as number;
  let c = x[ic] as number;
  let d = x[id] as number;
  a = (a + b) | 0;
  d ^= a;
  d = (d << 16) | (d >>> 16);
  c = (c + d) | 0;
  b ^= c;
  b = (b << 12) | (b >>> 20);
  a = (a + b) | 0;
  d ^= a;
  d = (d << 8) | (d >>> 24);
  c = (c + d) | 0;
  b ^= c;
  b = (b << 7) | (b >>> 25);
  x[ia] = a;
  x[ib] = b;
  x[ic] = c;
  x[id] = d;
}

/** A state with the constants in place and everything else zero. */
export function createChachaState(): ChachaWords {
  const state = new Int32Array(CHACHA_WORDS);
  state.set(SIGMA);
  return state;
}

/** into = the key stream block of `state` (RFC 8439 §2.3.1). No branch and no index depends on a value. */
export function chachaBlock(state: ChachaWords, into: ChachaWords): void {
  const x = into;
  for (let i = 0; i < CHACHA_WORDS; i += 1) x[i] = state[i] as number;
  for (let round = 0; round < DOUBLE_ROUNDS; round += 1) {
    quarterRound(x, 0, 4, 8, 12);
    quarterRound(x, 1, 5, 9, 13);
    quarterRound(x, 2, 6, 10, 14);
    quarterRound(x, 3, 7, 11, 15);
    quarterRound(x, 0, 5, 10, 15);
    quarterRound(x, 1, 6, 11, 12);
    quarterRound(x, 2, 7, 8, 13);
    quarterRound(x, 3, 4, 9, 14);
  }
  for (let i = 0; i < CHACHA_WORDS; i += 1) x[i] = (x[i] as number) + (state[i] as number);
}
