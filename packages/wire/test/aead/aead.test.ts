import assert from "node:assert/strict";
import { type CipherGCM, createCipheriv } from "node:crypto";
import { afterEach, describe, it } from "node:test";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import fc from "fast-check";
import { type Aead, type AeadAlgorithm, type AeadBackend, createAead, nodeBackend, useAeadBackend } from "../../src/aead/aead.ts";
import { flipped } from "../sip022/fixtures.ts";

const KEY_LENGTHS: Readonly<Record<AeadAlgorithm, number>> = {
  "aes-128-gcm": 16,
  "aes-192-gcm": 24,
  "aes-256-gcm": 32,
  "chacha20-poly1305": 32,
  "xchacha20-poly1305": 32,
};
const ALGORITHMS = Object.keys(KEY_LENGTHS) as AeadAlgorithm[];
const TAG = 16;
const MARGIN = 3;

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));

function reference(algorithm: AeadAlgorithm, key: Buffer, nonce: Buffer, plaintext: Buffer): Buffer {
  if (algorithm === "xchacha20-poly1305") return Buffer.from(xchacha20poly1305(key, nonce).encrypt(plaintext));
  const cipher = createCipheriv(algorithm as "aes-256-gcm", key, nonce, { authTagLength: TAG }) as CipherGCM;
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Seals with margins around source and result, and checks that only the result was written. */
function seal(aead: Aead, nonce: Buffer, plaintext: Buffer): Buffer {
  const src = Buffer.concat([Buffer.alloc(MARGIN, 1), plaintext, Buffer.alloc(MARGIN, 1)]);
  const dst = Buffer.alloc(MARGIN + plaintext.length + TAG + MARGIN, 0xee);
  aead.seal(nonce, src, MARGIN, MARGIN + plaintext.length, dst, MARGIN);
  assert.ok(dst.subarray(0, MARGIN).equals(Buffer.alloc(MARGIN, 0xee)));
  assert.ok(dst.subarray(-MARGIN).equals(Buffer.alloc(MARGIN, 0xee)));
  return dst.subarray(MARGIN, -MARGIN);
}

function open(aead: Aead, nonce: Buffer, sealed: Buffer): Buffer | undefined {
  const src = Buffer.concat([Buffer.alloc(MARGIN, 1), sealed, Buffer.alloc(MARGIN, 1)]);
  const dst = Buffer.alloc(MARGIN + sealed.length, 0xee);
  const opened = aead.open(nonce, src, MARGIN, MARGIN + sealed.length, dst, MARGIN);
  if (!opened) assert.ok(dst.equals(Buffer.alloc(dst.length, 0xee)), "nothing unauthenticated is written");
  return opened ? dst.subarray(MARGIN, MARGIN + sealed.length - TAG) : undefined;
}

for (const algorithm of ALGORITHMS) {
  const keys = bytes(KEY_LENGTHS[algorithm]);
  const { nonceLength } = createAead(algorithm, Buffer.alloc(KEY_LENGTHS[algorithm]));
  const nonces = bytes(nonceLength);

  describe(algorithm, () => {
    it("seals what the reference seals, and opens it", () => {
      fc.assert(
        fc.property(keys, nonces, fc.uint8Array({ maxLength: 300 }), (key, nonce, data) => {
          const plaintext = Buffer.from(data);
          const aead = createAead(algorithm, key);
          const sealed = seal(aead, nonce, plaintext);
          assert.deepEqual(sealed, reference(algorithm, key, nonce, plaintext));
          assert.deepEqual(open(aead, nonce, sealed), plaintext);
        }),
      );
    });

    it("opens nothing with any bit of ciphertext, tag or nonce changed", () => {
      const aead = createAead(algorithm, Buffer.alloc(KEY_LENGTHS[algorithm], 7));
      const nonce = Buffer.alloc(nonceLength, 9);
      const sealed = seal(aead, nonce, Buffer.from("shadow"));
      for (let bit = 0; bit < sealed.length * 8; bit += 1)
        assert.equal(open(aead, nonce, flipped(sealed, bit >> 3, 1 << (bit & 7))), undefined);
      for (let at = 0; at < nonceLength; at += 1) assert.equal(open(aead, flipped(nonce, at), sealed), undefined);
      assert.ok(open(aead, nonce, sealed)?.equals(Buffer.from("shadow")));
    });

    it("seals and opens lengths as two-byte messages, whatever came before", () => {
      fc.assert(
        fc.property(keys, fc.array(fc.tuple(nonces, fc.nat(0xffff)), { minLength: 1, maxLength: 20 }), (key, messages) => {
          const sealer = createAead(algorithm, key);
          const opener = createAead(algorithm, key);
          for (const [nonce, length] of messages) {
            const dst = Buffer.alloc(MARGIN + 2 + TAG);
            sealer.sealLength(nonce, length, dst, MARGIN);
            assert.deepEqual(dst.subarray(MARGIN), reference(algorithm, key, nonce, Buffer.of(length >> 8, length & 0xff)));
            assert.equal(opener.openLength(nonce, dst, MARGIN), length);
          }
        }),
      );
    });

    it("opens no length with any bit changed", () => {
      const aead = createAead(algorithm, Buffer.alloc(KEY_LENGTHS[algorithm], 7));
      const nonce = Buffer.alloc(nonceLength, 9);
      const sealed = Buffer.alloc(2 + TAG);
      aead.sealLength(nonce, 0x1234, sealed, 0);
      for (let bit = 0; bit < sealed.length * 8; bit += 1)
        assert.equal(aead.openLength(nonce, flipped(sealed, bit >> 3, 1 << (bit & 7)), 0), -1);
      assert.equal(aead.openLength(nonce, sealed, 0), 0x1234);
    });

    it("copies its key and refuses one of another length", () => {
      const key = Buffer.alloc(KEY_LENGTHS[algorithm], 5);
      const aead = createAead(algorithm, key);
      key.fill(0);
      const expected = reference(algorithm, Buffer.alloc(key.length, 5), Buffer.alloc(nonceLength), Buffer.from("x"));
      assert.deepEqual(seal(aead, Buffer.alloc(nonceLength), Buffer.from("x")), expected);
      assert.throws(() => createAead(algorithm, Buffer.alloc(key.length - 1)), RangeError);
    });
  });
}

describe("AEAD backend", () => {
  afterEach(() => useAeadBackend(nodeBackend));

  it("makes every cipher from the moment it is chosen", () => {
    const made: AeadAlgorithm[] = [];
    const counting: AeadBackend = {
      name: "counting",
      createAead(algorithm, key) {
        made.push(algorithm);
        return nodeBackend.createAead(algorithm, key);
      },
    };
    useAeadBackend(counting);
    createAead("aes-128-gcm", Buffer.alloc(16));
    assert.deepEqual(made, ["aes-128-gcm"]);
  });
});
