import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FAILED, METHODS } from "../../src/index.ts";
import { createLegacyCipher, type LegacyCipher } from "../../src/legacy/cipher.ts";
import { LegacyTransform } from "../../src/legacy/legacy-transform.ts";
import { Rc4 } from "../../src/legacy/rc4.ts";
import { methodNamed } from "../sip022/fixtures.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

function apply(cipher: LegacyCipher, bytes: Buffer, cuts: readonly number[] = []): Buffer {
  const out = Buffer.alloc(bytes.length + 5, 0xee);
  let start = 0;
  for (const end of [...cuts, bytes.length]) {
    cipher.apply(bytes, start, end, out, start + 3);
    start = end;
  }
  assert.ok(out.subarray(0, 3).equals(Buffer.alloc(3, 0xee)) && out.subarray(-2).equals(Buffer.alloc(2, 0xee)), "keeps to its place");
  return out.subarray(3, -2);
}

const keyStream = (name: string, key: Buffer, iv: Buffer, length: number): Buffer =>
  apply(createLegacyCipher(methodNamed(name), key, iv, "seal"), Buffer.alloc(length));

/** NIST SP 800-38A, appendix F: the same four blocks under the same keys. */
const NIST_PLAIN = hex(
  "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51 30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710",
);
const NIST_KEYS: Readonly<Record<number, string>> = {
  16: "2b7e151628aed2a6abf7158809cf4f3c",
  24: "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
  32: "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
};
const NIST_IVS = { cfb: "000102030405060708090a0b0c0d0e0f", ctr: "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff" } as const;
const NIST_SEALED: Readonly<Record<string, string>> = {
  "aes-128-cfb":
    "3b3fd92eb72dad20333449f8e83cfb4a c8a64537a0b3a93fcde3cdad9f1ce58b 26751f67a3cbb140b1808cf187a4f4df c04b05357c5d1c0eeac4c66f9ff7f2e6",
  "aes-192-cfb":
    "cdc80d6fddf18cab34c25909c99a4174 67ce7f7f81173621961a2b70171d3d7a 2e1e8a1dd59b88b1c8e60fed1efac4c9 c05f9f9ca9834fa042ae8fba584b09ff",
  "aes-256-cfb":
    "dc7e84bfda79164b7ecd8486985d3860 39ffed143b28b1c832113c6331e5407b df10132415e54b92a13ed0a8267ae2f9 75a385741ab9cef82031623d55b1e471",
  "aes-128-ctr":
    "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff 5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee",
  "aes-192-ctr":
    "1abc932417521ca24f2b0459fe7e6e0b 090339ec0aa6faefd5ccc2c6f4ce8e94 1e36b26bd1ebc670d1bd1d665620abf7 4f78a7f6d29809585a97daec58c6b050",
  "aes-256-ctr":
    "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5 2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6",
};

describe("legacy ciphers, known answers", () => {
  for (const [name, sealed] of Object.entries(NIST_SEALED)) {
    it(`${name} (NIST SP 800-38A)`, () => {
      const method = methodNamed(name);
      const key = hex(NIST_KEYS[method.keyLength] as string);
      const iv = hex(name.endsWith("cfb") ? NIST_IVS.cfb : NIST_IVS.ctr);
      assert.equal(apply(createLegacyCipher(method, key, iv, "seal"), NIST_PLAIN).toString("hex"), hex(sealed).toString("hex"));
      assert.deepEqual(apply(createLegacyCipher(method, key, iv, "open"), hex(sealed)), NIST_PLAIN);
    });
  }

  it("chacha20 with 8-byte nonce (draft-strombergson-chacha-test-vectors, 256-bit keys, 20 rounds)", () => {
    const zero = keyStream("chacha20", Buffer.alloc(32), Buffer.alloc(8), 128);
    assert.equal(
      zero.toString("hex"),
      "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586" +
        "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f",
    );
    const nonce = keyStream("chacha20", Buffer.alloc(32), hex("0001020304050607"), 64);
    assert.notDeepEqual(nonce, zero.subarray(0, 64));
  });

  it("chacha20-ietf (RFC 8439 §2.4.2, whose first block is counter 1)", () => {
    const key = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    const stream = keyStream("chacha20-ietf", key, hex("000000000000004a00000000"), 64 + 114);
    const plaintext = Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    const sealed = plaintext.map((byte, i) => byte ^ (stream[64 + i] as number));
    assert.equal(
      Buffer.from(sealed).toString("hex"),
      "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8" +
        "07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74a35be6b40b8eedf2785e42874d",
    );
  });

  it("salsa20 (eSTREAM, 256-bit key, set 1, vector 0)", () => {
    const stream = keyStream("salsa20", Buffer.from([0x80, ...Buffer.alloc(31)]), Buffer.alloc(8), 256);
    assert.equal(
      stream.toString("hex", 0, 64).toUpperCase(),
      "E3BE8FDD8BECA2E3EA8EF9475B29A6E7003951E1097A5C38D23B7A5FAD9F6844B22C97559E2723C7CBBD3FE4FC8D9A0744652A83E72A9C461876AF4D7EF1A117",
    );
    assert.equal(
      stream.toString("hex", 192, 256).toUpperCase(),
      "57BE81F47B17D9AE7C4FF15429A73E10ACF250ED3A90A93C711308A74C6216A9ED84CD126DA7F28E8ABF8BB63517E1CA98E712F4FB2E1A6AED9FDC73291FAA17",
    );
  });

  it("RC4 (RFC 6229)", () => {
    const cases = [
      ["0102030405", "b2396305f03dc027ccc3524a0a1118a8 6982944f18fc82d589c403a47a0d0919", "28cb1132c96ce286421dcaadb8b69eae"],
      [
        "0102030405060708090a0b0c0d0e0f10",
        "9ac7cc9a609d1ef7b2932899cde41b97 5248c4959014126a6e8a84f11d1a9e1c",
        "065902e4b620f6cc36c8589f66432f2b",
      ],
    ] as const;
    for (const [key, start, at240] of cases) {
      const stream = apply(new Rc4(hex(key)), Buffer.alloc(256));
      assert.deepEqual(stream.subarray(0, 32), hex(start));
      assert.deepEqual(stream.subarray(240), hex(at240));
    }
  });

  it("rc4-md5 and rc4-md5-6 key RC4 with MD5(key ‖ IV)", () => {
    const key = Buffer.alloc(16, 1);
    for (const [name, ivLength] of [
      ["rc4-md5", 16],
      ["rc4-md5-6", 6],
    ] as const) {
      const iv = Buffer.alloc(ivLength, 2);
      const rc4 = new Rc4(
        createHash("md5")
          .update(Buffer.concat([key, iv]))
          .digest(),
      );
      assert.deepEqual(keyStream(name, key, iv, 40), apply(rc4, Buffer.alloc(40)));
    }
  });
});

describe("legacy ciphers as streams", () => {
  for (const method of METHODS.filter(({ kind }) => kind === "stream")) {
    it(`${method.name} does not depend on how the bytes are cut`, () => {
      const key = Buffer.alloc(method.keyLength, 1);
      const iv = Buffer.alloc(method.saltLength, 2);
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(400), { maxLength: 6 }), (data, seeds) => {
          const bytes = Buffer.from(data);
          const cuts = seeds.map((seed) => seed % (bytes.length + 1)).sort((a, b) => a - b);
          const sealed = apply(createLegacyCipher(method, key, iv, "seal"), bytes);
          assert.deepEqual(apply(createLegacyCipher(method, key, iv, "seal"), bytes, cuts), sealed);
          assert.deepEqual(apply(createLegacyCipher(method, key, iv, "open"), sealed, cuts), bytes);
        }),
      );
    });
  }

  it("refuses methods of another kind", () => {
    assert.throws(() => createLegacyCipher(methodNamed("aes-128-gcm"), Buffer.alloc(16), Buffer.alloc(16), "seal"), RangeError);
  });
});

describe("legacy transform", () => {
  it("ends the stream where the key stream would repeat", () => {
    const copying = (capacity: number): LegacyCipher => ({
      capacity,
      apply(src, start, end, dst, at) {
        src.copy(dst, at, start, end);
      },
    });
    const transform = new LegacyTransform(copying(10));
    const dst = Buffer.alloc(20);
    assert.equal(transform.push(Buffer.from("abcde"), 0, 5, dst, 0), 5);
    assert.equal(transform.push(Buffer.from("fghij"), 0, 5, dst, 5), 5);
    assert.equal(transform.push(Buffer.from("k"), 0, 1, dst, 10), FAILED);
    assert.equal(transform.failure, "BAD_HEADER");
    assert.equal(transform.push(Buffer.alloc(0), 0, 0, dst, 10), FAILED);
    assert.equal(dst.toString("latin1", 0, 11), "abcdefghij\0");
  });

  it("has 256 GiB where the block counter has 32 bits", () => {
    const capacityOf = (name: string) => {
      const method = methodNamed(name);
      return createLegacyCipher(method, Buffer.alloc(method.keyLength), Buffer.alloc(method.saltLength), "seal").capacity;
    };
    assert.equal(capacityOf("chacha20-ietf"), 2 ** 38);
    assert.equal(capacityOf("salsa20"), 2 ** 38 - 128);
    assert.equal(capacityOf("chacha20"), Number.POSITIVE_INFINITY);
  });
});
