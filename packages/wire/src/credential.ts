import type { Method } from "./method.ts";

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
