import assert from "node:assert/strict";
import { type CipherGCM, createCipheriv, hkdfSync } from "node:crypto";
import { describe, it } from "node:test";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import fc from "fast-check";
import { AEAD_KEY_LENGTHS, type Aead, type AeadAlgorithm, type AeadBackend } from "../../src/aead/aead.ts";
import { flipped } from "../sip022/fixtures.ts";

const ALGORITHMS = Object.keys(AEAD_KEY_LENGTHS) as AeadAlgorithm[];
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

/** What a backend leaves of dst where a message did not open. */
export type Refusal = "untouched" | "zeroed";

function opener(refusal: Refusal): (aead: Aead, nonce: Buffer, sealed: Buffer) => Buffer | undefined {
  return (aead, nonce, sealed) => {
    const src = Buffer.concat([Buffer.alloc(MARGIN, 1), sealed, Buffer.alloc(MARGIN, 1)]);
    const dst = Buffer.alloc(MARGIN + sealed.length, 0xee);
    const end = MARGIN + sealed.length - TAG;
    const opened = aead.open(nonce, src, MARGIN, MARGIN + sealed.length, dst, MARGIN);
    const place = dst.subarray(MARGIN, end);
    if (!opened)
      assert.ok(
        place.every((byte) => byte === (refusal === "zeroed" ? 0 : 0xee)),
        "nothing unauthenticated is written",
      );
    assert.ok([...dst.subarray(0, MARGIN), ...dst.subarray(end)].every((byte) => byte === 0xee));
    return opened ? place : undefined;
  };
}

/** What every `AeadBackend` must do, message by message. */
export function aeadSuite(backend: AeadBackend, refusal: Refusal): void {
  const open = opener(refusal);
  const { createAead } = backend;

  for (const algorithm of ALGORITHMS) {
    const keys = bytes(AEAD_KEY_LENGTHS[algorithm]);
    const { nonceLength } = createAead(algorithm, Buffer.alloc(AEAD_KEY_LENGTHS[algorithm]));
    const nonces = bytes(nonceLength);

    describe(`${algorithm} of ${backend.name}`, () => {
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
        const aead = createAead(algorithm, Buffer.alloc(AEAD_KEY_LENGTHS[algorithm], 7));
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
        const aead = createAead(algorithm, Buffer.alloc(AEAD_KEY_LENGTHS[algorithm], 7));
        const nonce = Buffer.alloc(nonceLength, 9);
        const sealed = Buffer.alloc(2 + TAG);
        aead.sealLength(nonce, 0x1234, sealed, 0);
        for (let bit = 0; bit < sealed.length * 8; bit += 1)
          assert.equal(aead.openLength(nonce, flipped(sealed, bit >> 3, 1 << (bit & 7)), 0), -1);
        assert.equal(aead.openLength(nonce, sealed, 0), 0x1234);
      });

      it("copies its key and refuses one of another length", () => {
        const key = Buffer.alloc(AEAD_KEY_LENGTHS[algorithm], 5);
        const aead = createAead(algorithm, key);
        key.fill(0);
        const expected = reference(algorithm, Buffer.alloc(key.length, 5), Buffer.alloc(nonceLength), Buffer.from("x"));
        assert.deepEqual(seal(aead, Buffer.alloc(nonceLength), Buffer.from("x")), expected);
        assert.throws(() => createAead(algorithm, Buffer.alloc(key.length - 1)), RangeError);
      });

      it("derives SIP004's subkeys, one salt serving many keys, for any first and later use", () => {
        fc.assert(
          fc.property(keys, keys, bytes(AEAD_KEY_LENGTHS[algorithm]), fc.uint8Array({ maxLength: 40 }), (key, other, salt, data) => {
            const plaintext = Buffer.from(data);
            const nonce = Buffer.alloc(nonceLength);
            const aeads = backend.subkeyAeads(algorithm, salt);
            for (const master of [other, key]) {
              const subkey = Buffer.from(hkdfSync("sha1", master, salt, "ss-subkey", master.length));
              const sealed = reference(algorithm, subkey, nonce, plaintext);
              const aead = aeads(master);
              assert.deepEqual(seal(aead, nonce, plaintext), sealed);
              assert.deepEqual(open(aead, nonce, sealed), plaintext);
              const chunk = Buffer.alloc(plaintext.length + 2 + 2 * TAG);
              assert.equal(
                aead.sealChunks(Buffer.alloc(nonceLength), plaintext, 0, plaintext.length, 0x3fff, chunk, 0) > 0,
                data.length > 0,
              );
              if (data.length > 0) assert.equal(aeads(master).openLength(nonce, chunk, 0), data.length);
              assert.deepEqual(seal(aead, nonce, plaintext), sealed);
            }
          }),
        );
        assert.throws(() => backend.subkeyAeads(algorithm, Buffer.alloc(65)), RangeError);
        assert.throws(() => backend.subkeyAeads(algorithm, Buffer.alloc(32))(Buffer.alloc(AEAD_KEY_LENGTHS[algorithm] - 1)), RangeError);
      });
    });
  }
}
