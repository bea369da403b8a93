import { shortCopy } from "../../short-copy.ts";
import type { BlockCipher, EcbAlgorithm } from "../message-cipher.ts";
import { incrementNonce } from "../nonce.ts";
import { BLOCK_WORDS, type FieldBlock, multiply } from "./ghash.ts";
import type { LengthEngine, TagWords } from "./length-engine.ts";

export const AES_BLOCK = 16;

/** GCM's last GHASH block for a two-byte message: the length of its ciphertext in bits. */
export const LENGTH_BITS = 16;

/** Lengths whose blocks are encrypted in one call: half a KiB of memory per direction that has been busy. */
const BATCH = 16;

/** J0 ‖ J0 + 1 of one nonce: nonce ‖ u32be. */
const PAIR = 2 * AES_BLOCK;
const NONCE_LENGTH = 12;
const COUNTER_AT = AES_BLOCK - 1;

const counters = Buffer.alloc(BATCH * PAIR);
const upcoming = Buffer.alloc(NONCE_LENGTH);
/** `sealed` as a field element: its two bytes come first. */
const text: FieldBlock = new Int32Array(BLOCK_WORDS);

/** The two halves of a nonce as numbers: cheap to compare. */
const lowHalf = (nonce: Buffer): number => nonce.readUIntLE(0, 6);
const highHalf = (nonce: Buffer): number => nonce.readUIntLE(6, 6);

/**
 * AES-GCM for the chunk lengths of a long stream. E(J0) and E(J0 + 1) of the next BATCH length nonces, which are every second one, come from
 * one call, so that no cipher object is kept in between, which would outweigh the batch. What is left of GHASH is sealed · H² xor lengths · H,
 * whose second term is constant and whose first has 16 coefficients.
 */
export class GcmLengthBatch implements LengthEngine {
  readonly #cipher: BlockCipher;
  readonly #algorithm: EcbAlgorithm;
  readonly #key: Buffer;
  readonly #squaredHashKey: FieldBlock = new Int32Array(BLOCK_WORDS);
  readonly #lengthsHash: FieldBlock = new Int32Array(BLOCK_WORDS);
  readonly #encrypted = Buffer.allocUnsafeSlow(counters.length);
  /** Halves of the nonce that the batch begins with. */
  #low = Number.NaN;
  #high = Number.NaN;
  /** The pair last prepared. */
  #index = BATCH;

  /** `key` is kept, not copied. */
  constructor(cipher: BlockCipher, algorithm: EcbAlgorithm, key: Buffer) {
    this.#cipher = cipher;
    this.#algorithm = algorithm;
    this.#key = key;
    const encryptedZero = Buffer.alloc(AES_BLOCK);
    cipher.encryptBlocks(algorithm, key, Buffer.alloc(AES_BLOCK), encryptedZero);
    const hashKey = Int32Array.from({ length: BLOCK_WORDS }, (_, i) => encryptedZero.readInt32BE(4 * i));
    multiply(hashKey, hashKey, this.#squaredHashKey);
    multiply(Int32Array.of(0, 0, 0, LENGTH_BITS), hashKey, this.#lengthsHash);
  }

  /** Any nonce will do; the one after next is the one that costs little. */
  prepare(nonce: Buffer): number {
    const low = lowHalf(nonce);
    this.#index += 1;
    if (this.#index >= BATCH || low !== this.#low + 2 * this.#index || highHalf(nonce) !== this.#high) this.#encryptFrom(nonce, low);
    return this.#encrypted.readUInt16BE(this.#index * PAIR + AES_BLOCK);
  }

  authenticate(sealed: number, tag: TagWords): void {
    text[0] = sealed << 16;
    multiply(text, this.#squaredHashKey, tag, LENGTH_BITS);
    const maskAt = this.#index * PAIR;
    for (let i = 0; i < BLOCK_WORDS; i += 1) {
      tag[i] = (tag[i] as number) ^ (this.#lengthsHash[i] as number) ^ this.#encrypted.readInt32BE(maskAt + 4 * i);
    }
  }

  #encryptFrom(nonce: Buffer, low: number): void {
    shortCopy(nonce, 0, NONCE_LENGTH, upcoming, 0);
    for (let at = 0; at < counters.length; at += PAIR) {
      shortCopy(upcoming, 0, NONCE_LENGTH, counters, at);
      counters[at + COUNTER_AT] = 1;
      shortCopy(upcoming, 0, NONCE_LENGTH, counters, at + AES_BLOCK);
      counters[at + AES_BLOCK + COUNTER_AT] = 2;
      incrementNonce(upcoming);
      incrementNonce(upcoming);
    }
    this.#cipher.encryptBlocks(this.#algorithm, this.#key, counters, this.#encrypted);
    this.#low = low;
    this.#high = highHalf(nonce);
    this.#index = 0;
  }
}
