import { CHACHA_WORDS, type ChachaWords, COUNTER_AT, chachaBlock, createChachaState, KEY_AT, NONCE_AT } from "./chacha-block.ts";
import type { LengthEngine, TagWords } from "./length-engine.ts";
import { Poly1305 } from "./poly1305.ts";

const KEY_WORDS = 8;
const NONCE_WORDS = 3;
const TAG_WORDS = 4;

/** The end of Poly1305's input (RFC 8439 §2.8): no additional data, two bytes of ciphertext. */
const CIPHERTEXT_LENGTH = 2;

const poly = new Poly1305();
const oneTimeKey: ChachaWords = new Int32Array(CHACHA_WORDS);
const stream: ChachaWords = new Int32Array(CHACHA_WORDS);

const swap16 = (value: number): number => ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
const swap32 = (word: number): number => (swap16(word) << 16) | swap16(word >>> 16);

/** ChaCha20-Poly1305 (RFC 8439 §2.8) for chunk lengths: two blocks of key stream and two steps of Poly1305, all in integers. */
export class ChachaLengths implements LengthEngine {
  readonly #state = createChachaState();

  /** `key`: 32 bytes, copied. */
  constructor(key: Buffer) {
    for (let i = 0; i < KEY_WORDS; i += 1) this.#state[KEY_AT + i] = key.readInt32LE(4 * i);
  }

  prepare(nonce: Buffer): number {
    const state = this.#state;
    for (let i = 0; i < NONCE_WORDS; i += 1) state[NONCE_AT + i] = nonce.readInt32LE(4 * i);
    state[COUNTER_AT] = 0;
    chachaBlock(state, oneTimeKey);
    state[COUNTER_AT] = 1;
    chachaBlock(state, stream);
    return swap16(stream[0] as number);
  }

  authenticate(sealed: number, tag: TagWords): void {
    const [r0, r1, r2, r3, s0, s1, s2, s3] = oneTimeKey as unknown as readonly [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    poly.start(r0, r1, r2, r3);
    poly.absorb(swap16(sealed), 0, 0, 0);
    poly.absorb(0, 0, CIPHERTEXT_LENGTH, 0);
    poly.finish(s0, s1, s2, s3, tag);
    for (let i = 0; i < TAG_WORDS; i += 1) tag[i] = swap32(tag[i] as number);
  }
}
