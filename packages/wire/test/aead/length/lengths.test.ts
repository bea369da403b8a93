import assert from "node:assert/strict";
import { type CipherGCM, createCipheriv, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { cryptoMessages } from "../../../src/aead/crypto-messages.ts";
import { ChachaLengths } from "../../../src/aead/length/chacha-lengths.ts";
import { GcmLengths } from "../../../src/aead/length/gcm-lengths.ts";
import { type LengthEngine, openLength, sealLength } from "../../../src/aead/length/length-engine.ts";
import type { BlockCipher } from "../../../src/aead/message-cipher.ts";
import { incrementNonce } from "../../../src/aead/nonce.ts";
import { createOpensslMessages } from "../../../src/aead/openssl-messages.ts";
import { flipped } from "../../sip022/fixtures.ts";

const TAG = 16;
const SEALED = 2 + TAG;
const NONCE = 12;

interface Subject {
  readonly algorithm: "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm" | "chacha20-poly1305";
  /** What encrypts its blocks. */
  readonly by: string;
  readonly keyLength: number;
  readonly create: (key: Buffer) => LengthEngine;
}

function gcmSubjects(by: string, cipher: BlockCipher): Subject[] {
  return ([128, 192, 256] as const).map((bits) => ({
    algorithm: `aes-${bits}-gcm` as const,
    by,
    keyLength: bits / 8,
    create: (key) => new GcmLengths(cipher, `aes-${bits}-ecb`, key),
  }));
}

const direct = createOpensslMessages();
const SUBJECTS: readonly Subject[] = [
  ...gcmSubjects("node:crypto", cryptoMessages),
  ...(direct === undefined ? [] : gcmSubjects("OpenSSL's own calls", direct)),
  { algorithm: "chacha20-poly1305", by: "integers", keyLength: 32, create: (key) => new ChachaLengths(key) },
];

function reference({ algorithm }: Subject, key: Buffer, nonce: Buffer, length: number): Buffer {
  const cipher = createCipheriv(algorithm as "aes-256-gcm", key, nonce, { authTagLength: TAG }) as CipherGCM;
  return Buffer.concat([cipher.update(Buffer.of(length >> 8, length & 0xff)), cipher.final(), cipher.getAuthTag()]);
}

/** Seals and opens a length with both engines and compares with the reference. */
function check(subject: Subject, key: Buffer, sealer: LengthEngine, opener: LengthEngine, nonce: Buffer, length: number): void {
  const sealed = Buffer.alloc(3 + SEALED + 3, 0xee);
  sealLength(sealer, nonce, length, sealed, 3);
  const expected = reference(subject, key, nonce, length);
  assert.deepEqual(sealed.subarray(3, 3 + SEALED), expected);
  assert.equal(sealed[2] === 0xee && sealed[3 + SEALED] === 0xee, true, "keeps to its place");
  assert.equal(openLength(opener, nonce, sealed, 3), length);
}

function advance(nonce: Buffer, by: number): void {
  for (let i = 0; i < by; i += 1) incrementNonce(nonce);
}

for (const subject of SUBJECTS) {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));

  describe(`${subject.algorithm} lengths by ${subject.by}`, () => {
    it("are node:crypto's for 100 chunks in a row, from any first nonce", () => {
      const nonces = fc.oneof(
        bytes(NONCE),
        fc
          .constantFrom("feffffffffff000000000000", "ffffffffffffffffffffffff", "000000000000000000000000")
          .map((hex) => Buffer.from(hex, "hex")),
      );
      fc.assert(
        fc.property(bytes(subject.keyLength), nonces, fc.nat(0xffff), (key, first, seed) => {
          const sealer = subject.create(key);
          const opener = subject.create(key);
          const nonce = Buffer.from(first);
          for (let i = 0; i < 100; i += 1) {
            check(subject, key, sealer, opener, nonce, (seed + i * 40_503) & 0xffff);
            advance(nonce, 2);
          }
        }),
        { numRuns: 10 },
      );
    });

    it("are node:crypto's when nonces jump", () => {
      const jumps = fc.array(fc.oneof(fc.constant(2), fc.nat(70)), { minLength: 30, maxLength: 60 });
      fc.assert(
        fc.property(bytes(subject.keyLength), bytes(NONCE), jumps, (key, nonce, steps) => {
          const sealer = subject.create(key);
          const opener = subject.create(key);
          for (const step of steps) {
            check(subject, key, sealer, opener, nonce, step * 900);
            advance(nonce, step);
          }
        }),
        { numRuns: 20 },
      );
    });

    it("do not open with any bit changed, early in a stream or late", () => {
      const key = randomBytes(subject.keyLength);
      const engine = subject.create(key);
      const nonce = Buffer.alloc(NONCE);
      for (let i = 0; i < 30; i += 1) {
        const sealed = reference(subject, key, nonce, 1400 + i);
        for (let bit = i % 3; bit < SEALED * 8; bit += 3)
          assert.equal(openLength(engine, nonce, flipped(sealed, bit >> 3, 1 << (bit & 7)), 0), -1);
        assert.equal(openLength(engine, nonce, sealed, 0), 1400 + i);
        advance(nonce, 2);
      }
    });

    it("of interleaved streams do not disturb one another", () => {
      const keys = [1, 2, 3].map((fill) => Buffer.alloc(subject.keyLength, fill));
      const sealers = keys.map(subject.create);
      const openers = keys.map(subject.create);
      const nonce = Buffer.alloc(NONCE);
      for (let i = 0; i < 40; i += 1) {
        for (const [k, key] of keys.entries()) check(subject, key, sealers[k]!, openers[k]!, nonce, i * 3 + k);
        advance(nonce, 2);
      }
    });
  });
}
