/** Ten limbs of 13 bits, least significant first: products of sums of ten stay exact in a double. */
type Limbs = Float64Array;

const LIMBS = 10;
const LIMB = 2 ** 13;
const MASK = LIMB - 1;
const WORD = 2 ** 32;

/** 2^130 is 5 modulo the prime 2^130 - 5. */
const FOLD = 5;

/** into[at, at + 10) = the limbs of a 128-bit number given as little-endian words, plus `top` · 2^128. */
function toLimbs(w0: number, w1: number, w2: number, w3: number, top: number, into: Limbs, at: number): void {
  into[at] = w0 & MASK;
  into[at + 1] = (w0 >>> 13) & MASK;
  into[at + 2] = ((w0 >>> 26) | (w1 << 6)) & MASK;
  into[at + 3] = (w1 >>> 7) & MASK;
  into[at + 4] = ((w1 >>> 20) | (w2 << 12)) & MASK;
  into[at + 5] = (w2 >>> 1) & MASK;
  into[at + 6] = (w2 >>> 14) & MASK;
  into[at + 7] = ((w2 >>> 27) | (w3 << 5)) & MASK;
  into[at + 8] = (w3 >>> 8) & MASK;
  into[at + 9] = (w3 >>> 21) | (top << 11);
}

/** Passes what exceeds a limb on to the next. Returns what exceeds the last one. */
function carry(limbs: Limbs): number {
  let over = 0;
  for (let i = 0; i < LIMBS; i += 1) {
    const sum = (limbs[i] as number) + over;
    over = Math.floor(sum / LIMB);
    limbs[i] = sum - over * LIMB;
  }
  return over;
}

/** Carries through, and what exceeds 2^130 comes back at the bottom. */
function fold(limbs: Limbs): void {
  const over = carry(limbs);
  limbs[0] = (limbs[0] as number) + FOLD * over;
}

/**
 * Poly1305 (RFC 8439 §2.5) over whole 16-byte blocks, which is all that an AEAD asks of it. Words are little-endian, as the key stream gives
 * them. One instance serves many messages. No branch and no index depends on a value.
 */
export class Poly1305 {
  readonly #sum: Limbs = new Float64Array(LIMBS);
  readonly #product: Limbs = new Float64Array(LIMBS);
  /** 5·r in front of r: what r's limbs become beyond 2^130 stands ten places before them. */
  readonly #multiplier: Limbs = new Float64Array(2 * LIMBS);

  /** Begins a message with r, clamped here: the first four words of its key. */
  start(r0: number, r1: number, r2: number, r3: number): void {
    const r = this.#multiplier;
    toLimbs(r0 & 0x0fffffff, r1 & 0x0ffffffc, r2 & 0x0ffffffc, r3 & 0x0ffffffc, 0, r, LIMBS);
    for (let i = 0; i < LIMBS; i += 1) r[i] = FOLD * (r[LIMBS + i] as number);
    this.#sum.fill(0);
  }

  /** sum = (sum + block + 2^128) · r. */
  absorb(w0: number, w1: number, w2: number, w3: number): void {
    const h = this.#sum;
    const d = this.#product;
    const r = this.#multiplier;
    toLimbs(w0, w1, w2, w3, 1, d, 0);
    for (let i = 0; i < LIMBS; i += 1) h[i] = (h[i] as number) + (d[i] as number);
    for (let i = 0; i < LIMBS; i += 1) {
      let sum = 0;
      for (let j = 0; j < LIMBS; j += 1) sum += (h[j] as number) * (r[LIMBS + i - j] as number);
      d[i] = sum;
    }
    fold(d);
    h.set(d);
    // The first limb is too large for the next sum to stay exact; one step brings it back.
    const over = Math.floor((h[0] as number) / LIMB);
    h[0] = (h[0] as number) - over * LIMB;
    h[1] = (h[1] as number) + over;
  }

  /** tag = sum + s mod 2^128, little-endian words; s: the last four words of the message's key. */
  finish(s0: number, s1: number, s2: number, s3: number, tag: Int32Array): void {
    const h = this.#sum;
    const reduced = this.#product;
    fold(h);
    fold(h);
    for (let i = 0; i < LIMBS; i += 1) reduced[i] = h[i] as number;
    reduced[0] = (reduced[0] as number) + FOLD;
    // 1 exactly when the sum is not below the prime: then the reduced form is the right one.
    const exceeds = carry(reduced);
    for (let i = 0; i < LIMBS; i += 1) h[i] = exceeds * (reduced[i] as number) + (1 - exceeds) * (h[i] as number);
    const [l0, l1, l2, l3, l4, l5, l6, l7, l8, l9] = h as unknown as readonly [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    let sum = ((l0 | (l1 << 13) | (l2 << 26)) >>> 0) + (s0 >>> 0);
    tag[0] = sum;
    sum = (((l2 >>> 6) | (l3 << 7) | (l4 << 20)) >>> 0) + (s1 >>> 0) + Math.floor(sum / WORD);
    tag[1] = sum;
    sum = (((l4 >>> 12) | (l5 << 1) | (l6 << 14) | (l7 << 27)) >>> 0) + (s2 >>> 0) + Math.floor(sum / WORD);
    tag[2] = sum;
    tag[3] = (((l7 >>> 5) | (l8 << 8) | (l9 << 21)) >>> 0) + (s3 >>> 0) + Math.floor(sum / WORD);
  }
}
