/**
 * A block of GHASH's field GF(2^128) (NIST SP 800-38D §6.3): four big-endian 32-bit words, the most significant bit of word 0 being the
 * coefficient of x^0.
 */
export type FieldBlock = Int32Array;

export const BLOCK_WORDS = 4;
const BITS = 128;

/** x^128 modulo the field's polynomial: the top byte of word 0. */
const REDUCTION = 0xe1 << 24;

/**
 * into = x · h, taking only the first `bits` coefficients of x (the others being 0). The words are read before anything is written, so `into`
 * may be x or h. No branch and no index depends on a value.
 */
export function multiply(x: FieldBlock, h: FieldBlock, into: FieldBlock, bits = BITS): void {
  let v0 = h[0] as number;
  let v1 = h[1] as number;
  let v2 = h[2] as number;
  let v3 = h[3] as number;
  let z0 = 0;
  let z1 = 0;
  let z2 = 0;
  let z3 = 0;
  for (let done = 0; done < bits; done += 32) {
    const word = x[done >> 5] as number;
    const low = 32 - Math.min(32, bits - done);
    for (let bit = 31; bit >= low; bit -= 1) {
      const mask = -((word >>> bit) & 1);
      z0 ^= v0 & mask;
      z1 ^= v1 & mask;
      z2 ^= v2 & mask;
      z3 ^= v3 & mask;
      const reduction = REDUCTION & -(v3 & 1);
      v3 = (v3 >>> 1) | (v2 << 31);
      v2 = (v2 >>> 1) | (v1 << 31);
      v1 = (v1 >>> 1) | (v0 << 31);
      v0 = (v0 >>> 1) ^ reduction;
    }
  }
  into[0] = z0;
  into[1] = z1;
  into[2] = z2;
  into[3] = z3;
}
