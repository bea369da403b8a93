import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deriveCredential } from "../src/credential.ts";
import { identityHash } from "../src/kdf/blake3.ts";
import { METHODS } from "../src/method.ts";

const key = (length: number, fill: number): Buffer => Buffer.alloc(length, fill);
const base64 = (length: number, fill: number): string => key(length, fill).toString("base64");

function derived(method: string, secret: string) {
  const result = deriveCredential(method, secret);
  assert.ok(result.ok, result.ok ? "" : result.reason);
  return result.credential;
}

function reasonFor(method: string, secret: string): string {
  const result = deriveCredential(method, secret);
  assert.equal(result.ok, false);
  return result.ok ? "" : result.reason;
}

describe("deriveCredential", () => {
  it("derives every password method's key with EVP_BytesToKey", () => {
    const k32 = "3858f62230ac3c915f300c664312c63f568378529614d22ddb49237d2f60bfdf";
    for (const method of METHODS.filter(({ kind }) => kind !== "aead-2022")) {
      const credential = derived(method.name, "foobar");
      assert.equal(credential.method, method);
      assert.equal(credential.key.toString("hex"), k32.slice(0, 2 * method.keyLength));
      assert.deepEqual(credential.identityKeys, []);
      assert.equal(credential.identityHash.length, 0);
    }
  });

  it("derives once per method and secret", () => {
    assert.equal(derived("aes-256-gcm", "once"), derived("AES-256-GCM", "once"));
    assert.equal(derived("chacha20-poly1305", "once"), derived("chacha20-ietf-poly1305", "once"));
    assert.notEqual(derived("aes-256-gcm", "once"), derived("aes-256-gcm", "twice"));
    assert.notEqual(derived("aes-256-gcm", "once"), derived("aes-256-cfb", "once"));
  });

  it("stays bounded and right with more secrets than it remembers", () => {
    const first = derived("rc4-md5", "many 0");
    for (let i = 1; i <= 17_000; i += 1) derived("rc4-md5", `many ${i}`);
    const again = derived("rc4-md5", "many 0");
    assert.notEqual(again, first, "the oldest was forgotten");
    assert.deepEqual(again.key, first.key);
  });

  it("takes SIP022 keys, with identity keys in front", () => {
    const single = derived("2022-blake3-aes-256-gcm", base64(32, 1));
    assert.deepEqual(single.key, key(32, 1));
    assert.deepEqual(single.identityKeys, []);
    assert.deepEqual(single.identityHash, identityHash(key(32, 1)));
    const chain = derived("2022-blake3-aes-128-gcm", [1, 2, 3].map((fill) => base64(16, fill)).join(":"));
    assert.deepEqual(chain.key, key(16, 3));
    assert.deepEqual(chain.identityKeys, [key(16, 1), key(16, 2)]);
    assert.equal(derived("2022-blake3-chacha20-poly1305", base64(32, 1)).identityHash.length, 0);
  });

  it("takes base64 padded or not, in either alphabet", () => {
    const standard = key(32, 0xfb).toString("base64");
    assert.match(standard, /[+/]/);
    for (const spelling of [standard, standard.replace("=", ""), key(32, 0xfb).toString("base64url")]) {
      assert.deepEqual(derived("2022-blake3-aes-256-gcm", spelling).key, key(32, 0xfb));
    }
  });

  it("says why a secret is refused, and never quotes it", () => {
    const cases: readonly (readonly [string, string, RegExp])[] = [
      ["aes-256-gcm", "", /empty/],
      ["2022-blake3-aes-256-gcm", "", /empty/],
      ["2022-blake3-aes-256-gcm", "Pa55word!", /the key .* not base64/],
      ["2022-blake3-aes-256-gcm", base64(16, 0x41), /must have 32 bytes, not 16; .*openssl rand -base64 32/],
      ["2022-blake3-aes-128-gcm", base64(32, 0x41), /must have 16 bytes, not 32/],
      ["2022-blake3-aes-128-gcm", `${base64(16, 0x41)}:Pa55word!`, /key 2 of 2 .* not base64/],
      ["2022-blake3-aes-128-gcm", `${base64(16, 0x41)}:`, /key 2 of 2 .* 16 bytes, not 0/],
      ["2022-blake3-aes-128-gcm", `${base64(12, 0x41)}:${base64(16, 0x41)}`, /key 1 of 2 .* 16 bytes, not 12/],
      ["2022-blake3-chacha20-poly1305", `${base64(32, 0x41)}:${base64(32, 0x41)}`, /no identity headers/],
    ];
    for (const [method, secret, expected] of cases) {
      const reason = reasonFor(method, secret);
      assert.match(reason, expected);
      for (const part of secret.split(":").filter((text) => text !== ""))
        assert.ok(!reason.includes(part.slice(0, 4)), `"${reason}" quotes`);
    }
  });

  it("refuses malformed base64 that a lenient decoder would take", () => {
    const good = base64(16, 0x41);
    for (const bad of [`${good}=`, `${good} `, ` ${good}`, `${good.slice(0, -2)}`.concat("==="), good.replace("Q", "%"), "=".repeat(4)]) {
      assert.match(reasonFor("2022-blake3-aes-128-gcm", bad), /base64|bytes/);
    }
  });

  it("explains methods that do not exist or cannot be had", () => {
    assert.match(reasonFor("nonsense", "secret"), /unknown method/);
    assert.match(reasonFor("des-cfb", "secret"), /DES is broken/);
    assert.match(reasonFor("aes-256-cfb-auth", "secret"), /one-time auth/);
  });
});
