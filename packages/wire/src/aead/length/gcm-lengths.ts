import { shortCopy } from "../../short-copy.ts";
import type { BlockCipher, EcbAlgorithm } from "../message-cipher.ts";
import { AES_BLOCK, GcmLengthBatch, LENGTH_BITS } from "./gcm-length-batch.ts";
import { BLOCK_WORDS, type FieldBlock, multiply } from "./ghash.ts";
import type { LengthEngine, TagWords } from "./length-engine.ts";

/** Lengths dealt with one at a time before a batch is prepared: a short stream should not pay for one. */
const BEFORE_BATCHING = 8;

/** 0 ‖ J0 ‖ J0 + 1: their encryptions are the hash key, the mask of the tag and the mask of the text. */
const blocks = Buffer.alloc(3 * AES_BLOCK);
const encrypted = Buffer.alloc(blocks.length);
const hashKey: FieldBlock = new Int32Array(BLOCK_WORDS);
const tagMask: FieldBlock = new Int32Array(BLOCK_WORDS);

/**
 * AES-GCM for chunk lengths (NIST SP 800-38D §7 with a 12-byte nonce and no additional data): three AES blocks and a GHASH of one, while the
 * stream is young; then batches.
 */
export class GcmLengths implements LengthEngine {
  readonly #cipher: BlockCipher;
  readonly #algorithm: EcbAlgorithm;
  readonly #key: Buffer;
  #seen = 0;
  #batch: GcmLengthBatch | undefined = undefined;

  /** `key` is kept, not copied. */
  constructor(cipher: BlockCipher, algorithm: EcbAlgorithm, key: Buffer) {
    this.#cipher = cipher;
    this.#algorithm = algorithm;
    this.#key = key;
  }

  prepare(nonce: Buffer): number {
    if (this.#batch === undefined && this.#seen === BEFORE_BATCHING)
      this.#batch = new GcmLengthBatch(this.#cipher, this.#algorithm, this.#key);
    if (this.#batch !== undefined) return this.#batch.prepare(nonce);
    this.#seen += 1;
    shortCopy(nonce, 0, nonce.length, blocks, AES_BLOCK);
    shortCopy(nonce, 0, nonce.length, blocks, 2 * AES_BLOCK);
    blocks[2 * AES_BLOCK - 1] = 1;
    blocks[3 * AES_BLOCK - 1] = 2;
    this.#cipher.encryptBlocks(this.#algorithm, this.#key, blocks, encrypted);
    for (let i = 0; i < BLOCK_WORDS; i += 1) {
      hashKey[i] = encrypted.readInt32BE(4 * i);
      tagMask[i] = encrypted.readInt32BE(AES_BLOCK + 4 * i);
    }
    return encrypted.readUInt16BE(2 * AES_BLOCK);
  }

  authenticate(sealed: number, tag: TagWords): void {
    if (this.#batch !== undefined) {
      this.#batch.authenticate(sealed, tag);
      return;
    }
    tag.fill(0);
    tag[0] = sealed << 16;
    multiply(tag, hashKey, tag, LENGTH_BITS);
    tag[BLOCK_WORDS - 1] = (tag[BLOCK_WORDS - 1] as number) ^ LENGTH_BITS;
    multiply(tag, hashKey, tag);
    for (let i = 0; i < BLOCK_WORDS; i += 1) tag[i] = (tag[i] as number) ^ (tagMask[i] as number);
  }
}
