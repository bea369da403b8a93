import { type Cipheriv, createCipheriv, createDecipheriv, createHash, type Decipheriv } from "node:crypto";
import type { Method } from "../method.ts";
import { Rc4 } from "./rc4.ts";
import { Salsa20Stream } from "./salsa20-stream.ts";

/** One direction of a stream cipher. */
export interface LegacyCipher {
  /** Transforms src[start, end) to as many bytes of dst from `at` on, continuing where the last call ended. No overlap. */
  apply(src: Buffer, start: number, end: number, dst: Buffer, at: number): void;
  /** How many bytes there is key stream for. */
  readonly capacity: number;
}

/** OpenSSL's ChaCha20 takes a 16-byte IV: block counter ‖ nonce, little-endian. */
const CHACHA_IV_LENGTH = 16;

/** 256 GiB: 2^32 blocks of 64 bytes. */
const IETF_CAPACITY = 2 ** 32 * 64;

class OpensslCipher implements LegacyCipher {
  readonly capacity: number;
  readonly #cipher: Cipheriv | Decipheriv;

  constructor(cipher: Cipheriv | Decipheriv, capacity = Number.POSITIVE_INFINITY) {
    this.#cipher = cipher;
    this.capacity = capacity;
  }

  apply(src: Buffer, start: number, end: number, dst: Buffer, at: number): void {
    if (start < end) dst.set(this.#cipher.update(src.subarray(start, end)), at);
  }
}

/**
 * The counter starts at 0 and takes what the nonce leaves: 32 bits before the 12-byte nonce of the IETF form, 64 bits before the 8-byte nonce of
 * the original. OpenSSL carries the low word into the next one, which is right for the original; the IETF form ends there.
 */
function chachaIv(nonce: Buffer): Buffer {
  const iv = Buffer.alloc(CHACHA_IV_LENGTH);
  nonce.copy(iv, CHACHA_IV_LENGTH - nonce.length);
  return iv;
}

const rc4Key = (key: Buffer, iv: Buffer): Buffer => createHash("md5").update(key).update(iv).digest();

/** The cipher of one direction of one stream, or of one packet. `iv` is not kept. Throws a RangeError for methods of another kind. */
export function createLegacyCipher(method: Method, key: Buffer, iv: Buffer, direction: "seal" | "open"): LegacyCipher {
  const { name } = method;
  switch (name) {
    case "chacha20":
      return new OpensslCipher(createCipheriv("chacha20", key, chachaIv(iv)));
    case "chacha20-ietf":
      return new OpensslCipher(createCipheriv("chacha20", key, chachaIv(iv)), IETF_CAPACITY);
    case "salsa20":
      return new Salsa20Stream(key, iv);
    case "rc4-md5":
    case "rc4-md5-6":
      return new Rc4(rc4Key(key, iv));
    default:
      if (method.kind !== "stream") throw new RangeError(`${name} is not a stream method`);
      return new OpensslCipher(direction === "seal" ? createCipheriv(name, key, iv) : createDecipheriv(name, key, iv));
  }
}
