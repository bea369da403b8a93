import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blake3 } from "@noble/hashes/blake3.js";
import fc from "fast-check";
import { identityHash, identitySubkey, sessionSubkey } from "../../src/kdf/blake3.ts";
import { sip022Vectors } from "../sip022/fixtures.ts";

const base64 = (text: string): Buffer => Buffer.from(text, "base64");
const context = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("BLAKE3 key derivation", () => {
  it("gives the public session subkey (Zmax0/urban-spork)", () => {
    const key = base64("Lc3tTx0BY6ZJ/fCwOx3JvF0I/anhwJBO5p2+FA5Vce4=");
    const salt = base64("3oFO0VyLyGI4nFN0M9P+62vPND/L6v8IingaPJWTbJA=");
    assert.equal(sessionSubkey(key, salt).toString("base64"), "EdNE+4U8dVnHT0+poAFDK2bdlwfrHT61sUNr9WYPh+E=");
  });

  it("gives the known session subkeys, identity subkey and identity hash", () => {
    for (const { psk_b64, request_salt, request_session_subkey, response_salt, response_session_subkey, eih } of sip022Vectors) {
      const key = base64(psk_b64);
      assert.equal(sessionSubkey(key, Buffer.from(request_salt, "hex")).toString("hex"), request_session_subkey);
      assert.equal(sessionSubkey(key, Buffer.from(response_salt, "hex")).toString("hex"), response_session_subkey);
      if (eih === undefined) continue;
      assert.equal(identityHash(key).toString("hex"), eih.upsk_hash16);
      assert.equal(identitySubkey(base64(eih.ipsk_b64), Buffer.from(request_salt, "hex")).toString("hex"), eih.tcp_identity_subkey);
    }
    assert.ok(sip022Vectors.some(({ eih }) => eih !== undefined));
  });

  it("equals derive_key of the two contexts for salts and session ids alike", () => {
    const key = fc.constantFrom(16, 32).chain((n) => fc.uint8Array({ minLength: n, maxLength: n }));
    fc.assert(
      fc.property(key, fc.uint8Array({ maxLength: 32 }), (k, salt) => {
        const material = Buffer.concat([k, salt]);
        const derive = (name: string) => Buffer.from(blake3(material, { context: context(name), dkLen: k.length }));
        assert.deepEqual(sessionSubkey(Buffer.from(k), Buffer.from(salt)), derive("shadowsocks 2022 session subkey"));
        assert.deepEqual(identitySubkey(Buffer.from(k), Buffer.from(salt)), derive("shadowsocks 2022 identity subkey"));
      }),
    );
  });

  it("names keys by the beginning of their hash", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (key) => {
        assert.deepEqual(identityHash(Buffer.from(key)), Buffer.from(blake3(key, { dkLen: 16 })));
      }),
    );
  });

  it("refuses other key lengths, and salts beyond the block", () => {
    assert.throws(() => sessionSubkey(Buffer.alloc(24), Buffer.alloc(24)), RangeError);
    assert.throws(() => sessionSubkey(Buffer.alloc(32), Buffer.alloc(33)), RangeError);
  });
});
