import { type CipherGCM, createCipheriv, createDecipheriv, type DecipherGCM, type KeyObject } from "node:crypto";
import { TAG_LENGTH } from "./aead-contract.ts";

/** What OpenSSL has; the GCM typings serve for ChaCha20-Poly1305 too, whose objects have the same methods. */
export type OpensslAead = "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm" | "chacha20-poly1305";

let discarded: (bytes: number) => void = () => {};

/**
 * `node:crypto` makes a new buffer of every message, which is garbage at once. Whoever runs the process may want to know how much, since V8's
 * own view of such memory is expensive. One listener; called with the length of each message.
 */
export function onCipherGarbage(listener: (bytes: number) => void): void {
  discarded = listener;
}

const OPTIONS = { authTagLength: TAG_LENGTH };
const gcm = (algorithm: OpensslAead): "aes-256-gcm" => algorithm as "aes-256-gcm";

/** One message through a fresh cipher object: ciphertext ‖ tag of src[start, end) to dst from `at` on. */
export function sealMessage(
  algorithm: OpensslAead,
  key: KeyObject,
  nonce: Buffer,
  src: Buffer,
  start: number,
  end: number,
  dst: Buffer,
  at: number,
): void {
  const cipher: CipherGCM = createCipheriv(gcm(algorithm), key, nonce, OPTIONS);
  dst.set(cipher.update(src.subarray(start, end)), at);
  cipher.final();
  discarded(end - start);
  dst.set(cipher.getAuthTag(), at + end - start);
}

/** One message through a fresh cipher object: src[start, end) = ciphertext ‖ tag to dst from `at` on; false when the tag is wrong. */
export function openMessage(
  algorithm: OpensslAead,
  key: KeyObject,
  nonce: Buffer,
  src: Buffer,
  start: number,
  end: number,
  dst: Buffer,
  at: number,
): boolean {
  const decipher: DecipherGCM = createDecipheriv(gcm(algorithm), key, nonce, OPTIONS);
  decipher.setAuthTag(src.subarray(end - TAG_LENGTH, end));
  const plaintext = decipher.update(src.subarray(start, end - TAG_LENGTH));
  try {
    decipher.final();
  } catch {
    return false;
  }
  discarded(end - start);
  // Only now: unauthenticated plaintext never leaves this function.
  dst.set(plaintext, at);
  return true;
}
