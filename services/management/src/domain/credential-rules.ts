import { randomBytes } from "node:crypto";
import type { PortRecord } from "@shadowfleet/store";
import { deriveCredential, explainUnavailable, findMethod, type Method } from "@shadowfleet/wire";

/** A value in its canonical form, or why it is refused: a sentence that quotes no secret. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

const MAX_PASSWORD_BYTES = 256;
const PASSWORD_BYTES = 16;

const refuse = (reason: string): { readonly ok: false; readonly reason: string } => ({ ok: false, reason });

/** The method of that name; stream ciphers only where they are allowed. */
export function checkMethod(name: string, allowInsecureCiphers: boolean): Checked<Method> {
  const method = findMethod(name);
  if (!method) return refuse(explainUnavailable(name) ?? "unknown method");
  if (method.kind === "stream" && !allowInsecureCiphers) {
    return refuse(
      `${method.name} does not authenticate what it encrypts; allowInsecureCiphers in management's configuration would let it pass`,
    );
  }
  return { ok: true, value: method };
}

/** A password as it is, or a SIP022 pre-shared key in standard base64. Chains (`iPSK:uPSK`) are refused: the port has the identity key. */
export function checkSecret(method: Method, secret: string): Checked<string> {
  if (Buffer.byteLength(secret) > MAX_PASSWORD_BYTES) return refuse(`must have at most ${MAX_PASSWORD_BYTES} bytes`);
  if (!secret.isWellFormed() || /\p{Cc}/u.test(secret)) return refuse("must not have control characters");
  const derived = deriveCredential(method.name, secret);
  if (!derived.ok) return refuse(derived.reason);
  const { key, identityKeys } = derived.credential;
  if (identityKeys.length > 0) return refuse("must be this key's own pre-shared key alone, without the port's identity key in front");
  return { ok: true, value: method.kind === "aead-2022" ? key.toString("base64") : secret };
}

/** A fresh secret: a base64 pre-shared key for SIP022, else a password of 128 random bits. */
export function newSecret(method: Method): string {
  return method.kind === "aead-2022" ? randomBytes(method.keyLength).toString("base64") : randomBytes(PASSWORD_BYTES).toString("base64url");
}

/** A fresh SIP023 identity key where the method has identity headers, else "". */
export function newIdentityKey(method: Method): string {
  return method.identityHeaders ? randomBytes(method.keyLength).toString("base64") : "";
}

/** Why a port can have one access key only; undefined when it can have many. */
export function singleKeyReason({ method: name, identityKey }: Pick<PortRecord, "method" | "identityKey">): string | undefined {
  const method = findMethod(name);
  if (method?.kind === "stream") return `${method.name} cannot tell several keys on one port apart, since nothing is authenticated`;
  if (method?.kind !== "aead-2022" || identityKey !== "") return undefined;
  return method.identityHeaders
    ? `the port has no identity key, without which ${method.name} has one key a port`
    : `${method.name} has no identity headers, hence one key a port`;
}

/** Whether a stored secret can be one of the method; a cheap look for hundreds of thousands of keys, not a derivation. */
export function secretFits(method: Method | undefined, secret: string): boolean {
  if (!method) return false;
  return method.kind !== "aead-2022" || Buffer.from(secret, "base64").length === method.keyLength;
}
