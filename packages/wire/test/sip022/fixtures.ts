import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addressFrom, type TargetAddress } from "../../src/address.ts";
import type { Credential } from "../../src/credential.ts";
import type { WireEnvironment } from "../../src/environment.ts";
import { identityHash } from "../../src/kdf/blake3.ts";
import { findMethod, type Method } from "../../src/method.ts";
import { type AcceptedStream, FAILED, type KeyRing, type RefusedStream, type ServerKey, type StreamTransform } from "../../src/stream.ts";

export const NOW = 1_700_000_000;

export const AES_128 = "2022-blake3-aes-128-gcm";
export const AES_256 = "2022-blake3-aes-256-gcm";
export const CHACHA = "2022-blake3-chacha20-poly1305";
export const METHOD_NAMES = [AES_128, AES_256, CHACHA] as const;

export function methodNamed(name: string): Method {
  const method = findMethod(name);
  assert.ok(method, `${name} exists`);
  return method;
}

/** A clock that is set by hand, and randomness that is a fixed sequence or what the test queued up. */
export class ScriptedEnvironment implements WireEnvironment {
  now: number;
  readonly #queue: Buffer[];
  readonly #seed: string;
  #drawn = 0;

  constructor(now: number = NOW, queue: readonly string[] = [], seed = "shadowfleet") {
    this.now = now;
    this.#queue = queue.map((hex) => Buffer.from(hex, "hex"));
    this.#seed = seed;
  }

  random(target: Buffer): void {
    const next = this.#queue.shift();
    if (next !== undefined) {
      assert.equal(next.length, target.length, "the script has as many bytes as are asked for");
      next.copy(target);
      return;
    }
    for (let at = 0; at < target.length; at += 32) {
      this.#drawn += 1;
      createHash("sha256").update(`${this.#seed} ${this.#drawn}`).digest().copy(target, at);
    }
  }

  unixSeconds(): number {
    return this.now;
  }
}

/** A key of the method's length that differs by name. */
export function keyNamed(method: Method, name: string): Buffer {
  return createHash("sha256").update(name).digest().subarray(0, method.keyLength);
}

export function credentialOf(method: Method, key: Buffer, identityKeys: readonly Buffer[] = []): Credential {
  return { method, key, identityKeys, identityHash: identityHash(key) };
}

export interface TestKey extends ServerKey {
  readonly name: string;
}

/** A single-key port, which counts how often it was told that its key fits. */
export class SingleRing implements KeyRing<TestKey> {
  readonly single: TestKey;
  readonly identityKey = undefined;
  hits = 0;

  constructor(credential: Credential) {
    this.single = { credential, name: "single" };
  }

  candidates(): Iterable<TestKey> {
    return [this.single];
  }

  found(key: TestKey): void {
    assert.equal(key, this.single);
    this.hits += 1;
  }

  byIdentity(): undefined {
    return undefined;
  }
}

/** A port of many users behind one identity key. */
export class IdentityRing implements KeyRing<TestKey> {
  readonly single = undefined;
  readonly identityKey: Buffer;
  readonly #users = new Map<string, TestKey>();

  constructor(identityKey: Buffer, users: Readonly<Record<string, Credential>>) {
    this.identityKey = identityKey;
    for (const [name, credential] of Object.entries(users)) {
      this.#users.set(credential.identityHash.toString("hex"), { credential, name });
    }
  }

  candidates(): Iterable<TestKey> {
    return this.#users.values();
  }

  found(): void {
    assert.fail("identity headers name the key: there is nothing to try in order");
  }

  byIdentity(hash: Buffer, at: number): TestKey | undefined {
    return this.#users.get(hash.toString("hex", at, at + 16));
  }
}

export function target(host: string, port: number): TargetAddress {
  const address = addressFrom(host, port);
  assert.ok(address, `${host}:${port} is an address`);
  return address;
}

/** Pushes all of `bytes` in pieces that end at `cuts`, into exactly as much room as `bound` asks for. FAILED as soon as one piece fails. */
export function pushPieces(transform: StreamTransform, bytes: Buffer, cuts: readonly number[] = []): Buffer | typeof FAILED {
  const pieces: Buffer[] = [];
  let start = 0;
  for (const end of [...cuts, bytes.length]) {
    const room = Buffer.alloc(transform.bound(end - start) + 3, 0xee);
    const written = transform.push(bytes, start, end, room, 3);
    if (written === FAILED) return FAILED;
    assert.ok(written >= 0 && written <= room.length - 3, "push keeps to its bound");
    pieces.push(room.subarray(3, 3 + written));
    start = end;
  }
  return Buffer.concat(pieces);
}

export function pushAll(transform: StreamTransform, bytes: Buffer): Buffer {
  const result = pushPieces(transform, bytes);
  assert.notEqual(result, FAILED, `push failed: ${transform.failure}`);
  return result as Buffer;
}

export function accepted<K extends ServerKey>(outcome: AcceptedStream<K> | RefusedStream | undefined): AcceptedStream<K> {
  assert.ok(outcome, "the handshake has an outcome");
  assert.ok(outcome.ok, `accepted, not ${JSON.stringify(outcome)}`);
  return outcome;
}

/** The bytes with one byte changed. */
export function flipped(bytes: Buffer, at: number, mask = 0x01): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ mask;
  return copy;
}

interface PacketVectors {
  readonly c2s_packet: string;
  readonly s2c_packet: string;
  readonly client_session_id?: string;
  readonly server_session_id?: string;
  readonly c2s_nonce?: string;
  readonly s2c_nonce?: string;
}

interface IdentityVectors {
  readonly ipsk_b64: string;
  readonly upsk_hash16: string;
  readonly tcp_identity_subkey: string;
  readonly tcp_identity_header: string;
  readonly request_stream: string;
  readonly udp_identity_header: string;
  readonly c2s_packet: string;
}

export interface Sip022Vectors {
  readonly method: string;
  readonly psk_b64: string;
  readonly request_salt: string;
  readonly request_session_subkey: string;
  readonly timestamp: number;
  readonly target: string;
  readonly initial_payload: string;
  readonly next_chunk: string;
  readonly request_stream: string;
  readonly response_salt: string;
  readonly response_session_subkey: string;
  readonly response_timestamp: number;
  readonly response_first_payload: string;
  readonly response_second_chunk: string;
  readonly response_stream: string;
  readonly udp: PacketVectors;
  readonly eih?: IdentityVectors;
}

const VECTORS = join(import.meta.dirname, "../../../testkit/vectors/shadowsocks.json");

export const sip022Vectors: readonly Sip022Vectors[] = JSON.parse(readFileSync(VECTORS, "utf8")).sip022;
