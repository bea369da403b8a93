import { createHash } from "node:crypto";
import { type Credential, findMethod } from "@shadowfleet/wire";
import type { KeyConfig, PortConfig } from "../src/relay-config.ts";

/** A credential that only tests can use: its key is a hash of the secret, cut to the method's length. */
export function sampleCredential(method: string, secret: string): Credential {
  const found = findMethod(method)!;
  const digest = createHash("sha256").update(`${method}:${secret}`).digest();
  const identityHash = found.identityHeaders ? digest.subarray(16, 32) : Buffer.alloc(0);
  return { method: found, key: digest.subarray(0, found.keyLength), identityKeys: [], identityHash };
}

export function sampleKey(id: string, secret = id, method = "chacha20-ietf-poly1305"): KeyConfig {
  return { id, name: id.toUpperCase(), credential: sampleCredential(method, secret) };
}

export function samplePort(port: number, keys: readonly KeyConfig[], more: Partial<PortConfig> = {}): PortConfig {
  return { host: "127.0.0.1", port, keys, identityKey: undefined, ...more };
}
