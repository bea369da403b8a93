import { identityHash } from "./kdf/blake3.ts";
import { evpBytesToKey } from "./kdf/evp-bytes-to-key.ts";
import { explainUnavailable, findMethod, type Method } from "./method.ts";

/**
 * A method with the key material derived from a secret: a password (EVP_BytesToKey) for SIP004 and stream methods,
 * base64 pre-shared keys (`[iPSK:]…uPSK`) for SIP022. Derived once and cached per (method, secret); never changes.
 */
export interface Credential {
  readonly method: Method;
  /** The master key or uPSK, `method.keyLength` bytes. */
  readonly key: Buffer;
  /** SIP023 identity keys, outermost first; empty where there are none. */
  readonly identityKeys: readonly Buffer[];
  /** BLAKE3(key)[0..16] as SIP023 names this key; empty for methods without identity headers. */
  readonly identityHash: Buffer;
}

/** Outcome of `deriveCredential`: the reason is a sentence for a configuration error and never quotes the secret. */
export type CredentialResult = { readonly ok: true; readonly credential: Credential } | { readonly ok: false; readonly reason: string };

const NO_BYTES = Buffer.alloc(0);

/** Credentials remembered; a fleet with more keys than this derives some of them again, nothing worse. */
const CACHE_ENTRIES = 16_384;

const cache = new Map<string, Credential>();

/**
 * The credential of a method name (aliases are known) and a secret, cached per (method, secret).
 * Refused: unknown or unavailable methods, an empty secret, and for SIP022 anything but base64 keys of exactly the method's key length, joined
 * by ":" where the method has identity headers.
 */
export function deriveCredential(methodName: string, secret: string): CredentialResult {
  const method = findMethod(methodName);
  if (method === undefined) return { ok: false, reason: explainUnavailable(methodName) ?? `unknown method "${methodName}"` };
  const id = `${method.name}:${secret}`;
  const known = cache.get(id);
  if (known !== undefined) return { ok: true, credential: known };
  if (secret === "") return { ok: false, reason: `the secret of ${method.name} is empty` };
  const result = method.kind === "aead-2022" ? fromPreSharedKeys(method, secret.split(":")) : fromPassword(method, secret);
  if (result.ok) remember(id, result.credential);
  return result;
}

function remember(id: string, credential: Credential): void {
  if (cache.size >= CACHE_ENTRIES) {
    const [oldest] = cache.keys();
    if (oldest !== undefined) cache.delete(oldest);
  }
  cache.set(id, credential);
}

function fromPassword(method: Method, password: string): CredentialResult {
  const key = evpBytesToKey(password, method.keyLength);
  return { ok: true, credential: Object.freeze({ method, key, identityKeys: Object.freeze([]), identityHash: NO_BYTES }) };
}

function fromPreSharedKeys(method: Method, encoded: readonly string[]): CredentialResult {
  if (encoded.length > 1 && !method.identityHeaders) {
    return {
      ok: false,
      reason: `${method.name} has no identity headers: its secret is one base64 key, not ${encoded.length} joined by ":"`,
    };
  }
  const keys: Buffer[] = [];
  for (const [index, text] of encoded.entries()) {
    const key = decodeBase64(text);
    const which = encoded.length > 1 ? `key ${index + 1} of ${encoded.length}` : "key";
    if (key === undefined) return { ok: false, reason: `the ${which} of ${method.name} is not base64` };
    if (key.length !== method.keyLength) {
      const advice = `make one with "openssl rand -base64 ${method.keyLength}"`;
      return { ok: false, reason: `the ${which} of ${method.name} must have ${method.keyLength} bytes, not ${key.length}; ${advice}` };
    }
    keys.push(key);
  }
  const key = keys.pop() ?? NO_BYTES;
  const hash = method.identityHeaders ? identityHash(key) : NO_BYTES;
  return { ok: true, credential: Object.freeze({ method, key, identityKeys: Object.freeze(keys), identityHash: hash }) };
}

/** Standard or URL alphabet, padded or not: URIs carry all of them. Undefined when it is anything else. */
function decodeBase64(text: string): Buffer | undefined {
  const body = text.replace(/={1,2}$/, "");
  const padded = body.length !== text.length;
  if (!/^[A-Za-z0-9+/_-]*$/.test(body) || body.length % 4 === 1 || (padded && text.length % 4 !== 0)) return undefined;
  return Buffer.from(body, "base64");
}
