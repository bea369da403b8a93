import { type Aead, type AeadAlgorithm, createAead } from "../aead/aead.ts";
import { sessionSubkey } from "../kdf/blake3.ts";
import type { Method } from "../method.ts";

const ALGORITHMS: ReadonlyMap<string, AeadAlgorithm> = new Map([
  ["2022-blake3-aes-128-gcm", "aes-128-gcm"],
  ["2022-blake3-aes-256-gcm", "aes-256-gcm"],
  ["2022-blake3-chacha20-poly1305", "chacha20-poly1305"],
]);

/**
 * The AEAD of one TCP direction (`salt`) or one UDP session of an AES method (its 8-byte id), SIP022 §2.2. `key` has the method's length.
 * A method that is not SIP022's is a mistake of the caller: TypeError.
 */
export function sessionAead(method: Method, key: Buffer, salt: Buffer): Aead {
  const algorithm = ALGORITHMS.get(method.name);
  if (algorithm === undefined) throw new TypeError(`${method.name} is not a SIP022 method`);
  return createAead(algorithm, sessionSubkey(key, salt));
}
