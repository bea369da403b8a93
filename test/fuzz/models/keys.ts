import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Credential, deriveCredential, type KeyRing, METHODS, type MethodKind, type ServerKey } from "@shadowfleet/wire";

/** The clock of every environment here. */
export const NOW = 1_700_000_000;

/** A key that knows its name. */
export interface NamedKey extends ServerKey {
  readonly name: string;
}

const psk = (length: number, name: string): string => createHash("sha256").update(name).digest().subarray(0, length).toString("base64");

function credentialOf(method: string, secret: string): Credential {
  const result = deriveCredential(method, secret);
  assert.ok(result.ok, method);
  return result.credential;
}

/** A port as a server knows it, and the credential one of its clients has. */
export interface TestPort {
  readonly method: Credential["method"];
  readonly ring: KeyRing<NamedKey>;
  readonly key: NamedKey;
  /** What the client seals with; with SIP023 it names the identity key too. */
  readonly client: Credential;
}

class Ring implements KeyRing<NamedKey> {
  readonly single: NamedKey | undefined;
  readonly identityKey: Buffer | undefined;
  readonly #keys: readonly NamedKey[];
  readonly #byHash: ReadonlyMap<string, NamedKey>;

  constructor(keys: readonly NamedKey[], identityKey: Buffer | undefined) {
    this.#keys = keys;
    this.identityKey = identityKey;
    this.single = keys.length === 1 && identityKey === undefined ? keys[0] : undefined;
    this.#byHash = new Map(keys.map((key) => [key.credential.identityHash.toString("hex"), key]));
  }

  candidates(): Iterable<NamedKey> {
    return this.#keys;
  }

  found(key: NamedKey): void {
    assert.ok(this.#keys.includes(key), "found is told a key of the ring");
  }

  byIdentity(hash: Buffer, at: number): NamedKey | undefined {
    return this.#byHash.get(hash.toString("hex", at, at + 16));
  }
}

const named = (name: string, credential: Credential): NamedKey => ({ name, credential });

function sip004Port(method: string): TestPort {
  const keys = ["first", "second", "third"].map((name) => named(name, credentialOf(method, name)));
  const key = keys[1]!;
  return { method: key.credential.method, ring: new Ring(keys, undefined), key, client: key.credential };
}

function singlePort(method: string, secret: string): TestPort {
  const key = named("only", credentialOf(method, secret));
  return { method: key.credential.method, ring: new Ring([key], undefined), key, client: key.credential };
}

function identityPort(method: string, length: number): TestPort {
  const keys = ["anna", "boris"].map((name) => named(name, credentialOf(method, psk(length, name))));
  const identityKey = psk(length, "the port");
  const client = credentialOf(method, `${identityKey}:${psk(length, "boris")}`);
  return { method: client.method, ring: new Ring(keys, client.identityKeys[0]), key: keys[1]!, client };
}

const namesOf = (kind: MethodKind): readonly string[] => METHODS.filter((method) => method.kind === kind).map(({ name }) => name);

/** One port of every method, made once. */
export const SIP004_PORTS: readonly TestPort[] = namesOf("aead").map(sip004Port);
export const SIP022_PORTS: readonly TestPort[] = METHODS.filter(({ kind }) => kind === "aead-2022").map(({ name, keyLength }) =>
  singlePort(name, psk(keyLength, "only")),
);
export const SIP023_PORTS: readonly TestPort[] = METHODS.filter(({ identityHeaders }) => identityHeaders).map(({ name, keyLength }) =>
  identityPort(name, keyLength),
);
export const LEGACY_PORTS: readonly TestPort[] = namesOf("stream").map((name) => singlePort(name, "a password"));
