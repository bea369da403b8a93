import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { evpBytesToKey } from "../../src/kdf/evp-bytes-to-key.ts";
import { passwordVectors } from "../sip004/fixtures.ts";

describe("EVP_BytesToKey", () => {
  it("gives the known keys", () => {
    assert.ok(passwordVectors.length >= 3);
    for (const { password, k16, k32 } of passwordVectors) {
      assert.equal(evpBytesToKey(password, 16).toString("hex"), k16);
      assert.equal(evpBytesToKey(password, 24).toString("hex"), k32.slice(0, 48));
      assert.equal(evpBytesToKey(password, 32).toString("hex"), k32);
    }
  });

  it("takes the password as UTF-8", () => {
    const first = createHash("md5").update(Buffer.from("pässword✓", "utf8")).digest();
    assert.deepEqual(evpBytesToKey("pässword✓", 16), first);
  });
});
