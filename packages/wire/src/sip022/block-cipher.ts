import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from "node:crypto";

/** The AES block: separate headers and identity headers are one each. */
export const BLOCK_LENGTH = 16;

/**
 * AES on single blocks, for separate headers (SIP022 §3.2.1) and identity headers (SIP023). Only ever used on blocks that do not repeat under
 * a key or whose repetition tells nothing. ECB carries no state from block to block, so one cipher object serves all of them.
 */
export class BlockCipher {
  readonly #algorithm: "aes-128-ecb" | "aes-256-ecb";
  readonly #key: Buffer;
  #encryptor: Cipheriv | undefined = undefined;
  #decryptor: Decipheriv | undefined = undefined;

  /** `key`: 16 or 32 bytes, never changed afterwards. */
  constructor(key: Buffer) {
    this.#algorithm = key.length === BLOCK_LENGTH ? "aes-128-ecb" : "aes-256-ecb";
    this.#key = key;
  }

  /** Encrypts the block at src[at] to dst[dstAt]; the same place is allowed. */
  encrypt(src: Buffer, at: number, dst: Buffer, dstAt: number): void {
    this.#encryptor ??= createCipheriv(this.#algorithm, this.#key, null).setAutoPadding(false);
    this.#encryptor.update(src.subarray(at, at + BLOCK_LENGTH)).copy(dst, dstAt);
  }

  /** Decrypts the block at src[at] to dst[dstAt]; the same place is allowed. */
  decrypt(src: Buffer, at: number, dst: Buffer, dstAt: number): void {
    this.#decryptor ??= createDecipheriv(this.#algorithm, this.#key, null).setAutoPadding(false);
    this.#decryptor.update(src.subarray(at, at + BLOCK_LENGTH)).copy(dst, dstAt);
  }
}

const ciphers = new WeakMap<Buffer, BlockCipher>();

/** The cipher of a long-lived key, made once per key buffer. */
export function blockCipherOf(key: Buffer): BlockCipher {
  let cipher = ciphers.get(key);
  if (cipher === undefined) {
    cipher = new BlockCipher(key);
    ciphers.set(key, cipher);
  }
  return cipher;
}
