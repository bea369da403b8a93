import { type CipherGCM, createCipheriv, createDecipheriv, createSecretKey, type DecipherGCM, type KeyObject } from "node:crypto";
import { discard } from "../garbage.ts";
import { TAG_LENGTH } from "./aead-contract.ts";
import type { KeyedMessages, MessageCipher, OpensslAlgorithm } from "./message-cipher.ts";

const OPTIONS = { authTagLength: TAG_LENGTH };
/** The GCM typings serve for ChaCha20-Poly1305 too, whose objects have the same methods. */
const gcm = (algorithm: OpensslAlgorithm): "aes-256-gcm" => algorithm as "aes-256-gcm";

/** Copies a cipher's output to dst and gives its memory back, which Node 20 cannot: `node:crypto` makes a new buffer of every message. */
function take(output: Buffer, dst: Buffer, at: number): void {
  dst.set(output, at);
  const memory = output.buffer as ArrayBuffer;
  if (memory.byteLength === output.length && typeof memory.transfer === "function") memory.transfer(0);
  else discard(output.length);
}

/** Every message through a cipher object of its own. */
class CryptoMessages implements KeyedMessages {
  readonly #algorithm: OpensslAlgorithm;
  readonly #key: Buffer;
  /** Made when a payload needs it, which is not before a trial decryption has succeeded. */
  #keyObject: KeyObject | undefined = undefined;

  constructor(algorithm: OpensslAlgorithm, key: Buffer) {
    this.#algorithm = algorithm;
    this.#key = key;
  }

  seal(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): void {
    this.#keyObject ??= createSecretKey(this.#key);
    const cipher: CipherGCM = createCipheriv(gcm(this.#algorithm), this.#keyObject, nonce, OPTIONS);
    take(cipher.update(src.subarray(start, end)), dst, at);
    cipher.final();
    dst.set(cipher.getAuthTag(), at + end - start);
  }

  open(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): boolean {
    this.#keyObject ??= createSecretKey(this.#key);
    const decipher: DecipherGCM = createDecipheriv(gcm(this.#algorithm), this.#keyObject, nonce, OPTIONS);
    decipher.setAuthTag(src.subarray(end - TAG_LENGTH, end));
    const plaintext = decipher.update(src.subarray(start, end - TAG_LENGTH));
    try {
      decipher.final();
    } catch {
      return false;
    }
    // Only now: unauthenticated plaintext never leaves this function.
    take(plaintext, dst, at);
    return true;
  }
}

/** `node:crypto`: on every Node. */
export const cryptoMessages: MessageCipher = {
  isCheap: false,
  withKey: (algorithm, key) => new CryptoMessages(algorithm, key),
  encryptBlocks: (algorithm, key, src, dst) => dst.set(createCipheriv(algorithm, key, null).update(src)),
};
