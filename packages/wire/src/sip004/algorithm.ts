import type { AeadAlgorithm } from "../aead/aead.ts";
import type { Method } from "../method.ts";

const OPENSSL_NAMES: ReadonlyMap<string, AeadAlgorithm> = new Map([
  ["aes-128-gcm", "aes-128-gcm"],
  ["aes-192-gcm", "aes-192-gcm"],
  ["aes-256-gcm", "aes-256-gcm"],
  ["chacha20-ietf-poly1305", "chacha20-poly1305"],
  ["xchacha20-ietf-poly1305", "xchacha20-poly1305"],
]);

/** The AEAD algorithm of a SIP004 method; a RangeError for methods of another kind. */
export function aeadAlgorithm(method: Method): AeadAlgorithm {
  const algorithm = OPENSSL_NAMES.get(method.name);
  if (algorithm === undefined) throw new RangeError(`${method.name} is not a SIP004 method`);
  return algorithm;
}
