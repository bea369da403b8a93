import type { ConfigPort } from "@shadowfleet/control-api";
import { deriveCredential, explainUnavailable, findMethod, type Method } from "@shadowfleet/wire";

/** A port without its keys, ready to be served. */
export interface PortShell {
  readonly port: number;
  readonly host: string;
  readonly method: Method;
  readonly identityKey: Buffer | undefined;
}

export interface PortPlanSettings {
  readonly allowInsecureCiphers: boolean;
  /** Where this relay binds its ports, whatever management says. */
  readonly bindHost?: string | undefined;
}

const MAX_PORT = 0xffff;

/** Makes management's record of a port ready, or tells in a sentence, which quotes no secret, why it cannot be served. */
export function planShell({ port, host, method: name, identityKey }: ConfigPort, settings: PortPlanSettings): PortShell | string {
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT) return `${port} is not a port number from 1 to ${MAX_PORT}`;
  const method = findMethod(name);
  if (!method) return explainUnavailable(name) ?? `unknown method "${name}"`;
  if (method.kind === "stream" && !settings.allowInsecureCiphers) {
    return `${method.name} encrypts without authentication, and allowInsecureCiphers is not set on this relay`;
  }
  const shell = { port, host: settings.bindHost ?? (host || "::"), method };
  if (identityKey === "") return { ...shell, identityKey: undefined };
  if (!method.identityHeaders) return `${method.name} has no identity headers, hence no identity key`;
  const derived = deriveCredential(method.name, identityKey);
  if (!derived.ok) return `identity key: ${derived.reason}`;
  if (derived.credential.identityKeys.length > 0) return "the identity key must be one pre-shared key, not a chain";
  return { ...shell, identityKey: derived.credential.key };
}

export function isSameShell(a: PortShell, b: PortShell): boolean {
  const sameKey = a.identityKey === b.identityKey || (a.identityKey && b.identityKey && a.identityKey.equals(b.identityKey));
  return a.host === b.host && a.method === b.method && sameKey === true;
}

/** Why so many keys cannot share the port; undefined when they can. */
export function tooManyKeys({ method, identityKey }: PortShell, keys: number): string | undefined {
  if (keys <= 1 || method.kind === "aead" || identityKey) return undefined;
  const why = method.kind === "stream" ? "without authentication nothing tells which is right" : "there is no identity key";
  return `${keys} keys cannot share a port with ${method.name}: ${why}`;
}
