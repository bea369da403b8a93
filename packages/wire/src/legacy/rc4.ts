const STATES = 256;

/** RC4 (RFC 6229's algorithm), for rc4-md5 only. Broken as a cipher; its state indices depend on the secret by design. */
export class Rc4 {
  readonly capacity = Number.POSITIVE_INFINITY;
  readonly #state = new Uint8Array(STATES);
  #i = 0;
  #j = 0;

  constructor(key: Buffer) {
    const state = this.#state;
    for (let i = 0; i < STATES; i += 1) state[i] = i;
    let j = 0;
    for (let i = 0; i < STATES; i += 1) {
      const x = state[i] as number;
      j = (j + x + (key[i % key.length] as number)) & 0xff;
      state[i] = state[j] as number;
      state[j] = x;
    }
  }

  /** Writes src[start, end) xor the next key stream bytes to dst from `at` on. */
  apply(src: Buffer, start: number, end: number, dst: Buffer, at: number): void {
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let k = start; k < end; k += 1) {
      i = (i + 1) & 0xff;
      const x = state[i] as number;
      j = (j + x) & 0xff;
      const y = state[j] as number;
      state[i] = y;
      state[j] = x;
      dst[at + k - start] = (src[k] as number) ^ (state[(x + y) & 0xff] as number);
    }
    this.#i = i;
    this.#j = j;
  }
}
