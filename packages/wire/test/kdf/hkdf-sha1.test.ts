import assert from "node:assert/strict";
import { hkdfSync } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SubkeySalt } from "../../src/kdf/hkdf-sha1.ts";
import { sip004Vectors } from "../sip004/fixtures.ts";

const reference = (key: Uint8Array, salt: Uint8Array): Buffer => Buffer.from(hkdfSync("sha1", key, salt, "ss-subkey", key.length));

describe("HKDF-SHA1", () => {
  it("gives the known subkeys", () => {
    for (const { master_key, salt, subkey } of sip004Vectors) {
      assert.equal(new SubkeySalt(Buffer.from(salt, "hex")).derive(Buffer.from(master_key, "hex")).toString("hex"), subkey);
    }
  });

  it("gives the subkey of the public capture (shadowsocks-org issue 184)", () => {
    const key = Buffer.from("34819d7beeabb9260a5c854bc85b3e44891cbc5868b061227e7afd190187fec7", "hex");
    const salt = Buffer.from("b0cee48154f678d86bb11ef35c4a069fedd6c7748ceca018702f104a6f52b22b", "hex");
    assert.equal(new SubkeySalt(salt).derive(key).toString("hex"), "ea26c5ffb8a1588aafe0bda1f5e52a681cf6954c85c4a00863cf7d320748aed2");
  });

  it("equals node:crypto for every key and salt length it takes", () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 40 });
    const salt = fc.uint8Array({ minLength: 0, maxLength: 64 });
    fc.assert(
      fc.property(key, salt, (k, s) => assert.deepEqual(new SubkeySalt(s).derive(k), reference(k, s))),
      { numRuns: 1000 },
    );
  });

  it("serves many keys with one salt, in any order", () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(fc.array(key, { minLength: 2, maxLength: 6 }), key, (keys, salt) => {
        const subkeys = new SubkeySalt(salt);
        const derived = keys.map((k) => subkeys.derive(k));
        assert.deepEqual(
          derived,
          keys.map((k) => reference(k, salt)),
        );
      }),
    );
  });

  it("refuses what does not fit its blocks", () => {
    assert.throws(() => new SubkeySalt(Buffer.alloc(65)), RangeError);
    assert.throws(() => new SubkeySalt(Buffer.alloc(16)).derive(Buffer.alloc(41)), RangeError);
  });
});
