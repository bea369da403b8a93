import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Credential, deriveCredential } from "../../src/credential.ts";
import type { KeyRing } from "../../src/stream.ts";
import type { TestKey } from "../sip022/fixtures.ts";

export const METHOD_NAMES = ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-ietf-poly1305", "xchacha20-ietf-poly1305"] as const;

export function credentialFor(methodName: string, secret: string): Credential {
  const result = deriveCredential(methodName, secret);
  assert.ok(result.ok, `${methodName} takes this secret`);
  return result.credential;
}

/** A port with several keys, tried in the order they are listed; keeps account of what it was asked and told. */
export class TrialRing implements KeyRing<TestKey> {
  readonly single = undefined;
  readonly identityKey = undefined;
  readonly keys: readonly TestKey[];
  readonly hits: string[] = [];
  tried = 0;

  constructor(methodName: string, secrets: readonly string[]) {
    this.keys = secrets.map((secret) => ({ name: secret, credential: credentialFor(methodName, secret) }));
  }

  *candidates(): Iterable<TestKey> {
    for (const key of this.keys) {
      this.tried += 1;
      yield key;
    }
  }

  found(key: TestKey): void {
    this.hits.push(key.name);
  }

  byIdentity(): undefined {
    return undefined;
  }
}

export interface Sip004Vectors {
  readonly method: string;
  readonly password: string;
  readonly master_key: string;
  readonly salt: string;
  readonly subkey: string;
  readonly address_header: string;
  readonly payload: string;
  readonly tcp_stream: string;
  readonly tcp_parts: readonly string[];
  readonly udp_payload: string;
  readonly udp_packet: string;
}

export interface PasswordVectors {
  readonly password: string;
  readonly k16: string;
  readonly k32: string;
}

const VECTORS = JSON.parse(readFileSync(join(import.meta.dirname, "../../../testkit/vectors/shadowsocks.json"), "utf8"));

export const sip004Vectors: readonly Sip004Vectors[] = VECTORS.sip004;
export const passwordVectors: readonly PasswordVectors[] = VECTORS.evp_bytes_to_key;
