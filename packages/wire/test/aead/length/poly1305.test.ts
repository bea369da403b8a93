import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { poly1305 } from "@noble/ciphers/_poly1305.js";
import fc from "fast-check";
import { Poly1305 } from "../../../src/aead/length/poly1305.ts";

const BLOCK = 16;

function tagOf(mac: Poly1305, key: Buffer, message: Buffer): Buffer {
  const word = (bytes: Buffer, i: number): number => bytes.readInt32LE(4 * i);
  mac.start(word(key, 0), word(key, 1), word(key, 2), word(key, 3));
  for (let at = 0; at < message.length; at += BLOCK) {
    const block = message.subarray(at, at + BLOCK);
    mac.absorb(word(block, 0), word(block, 1), word(block, 2), word(block, 3));
  }
  const tag = new Int32Array(4);
  mac.finish(word(key, 4), word(key, 5), word(key, 6), word(key, 7), tag);
  const bytes = Buffer.alloc(BLOCK);
  for (const [i, value] of tag.entries()) bytes.writeInt32LE(value, 4 * i);
  return bytes;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const ones = "ffffffffffffffffffffffffffffffff";
const zeros = "00000000000000000000000000000000";

describe("Poly1305", () => {
  it("gives the known tags at the edges of its field (RFC 8439 §A.3, whole blocks)", () => {
    const cases: readonly (readonly [key: string, message: string, tag: string])[] = [
      [zeros + zeros, zeros.repeat(4), zeros],
      [`02${zeros.slice(2)}${zeros}`, ones, "03000000000000000000000000000000"],
      [`02${zeros.slice(2)}${ones}`, "02000000000000000000000000000000", "03000000000000000000000000000000"],
      [`01${zeros.slice(2)}${zeros}`, `${ones}f0${ones.slice(2)}11000000000000000000000000000000`, "05000000000000000000000000000000"],
      [`01${zeros.slice(2)}${zeros}`, `${ones}fb${"fe".repeat(15)}${"01".repeat(16)}`, zeros],
      [`02${zeros.slice(2)}${zeros}`, `fd${ones.slice(2)}`, `fa${ones.slice(2)}`],
      [
        `0100000000000000 0400000000000000 ${zeros}`,
        `e33594d7505e43b90000000000000000 3394d7505e4379cd0100000000000000 ${zeros} 01${zeros.slice(2)}`,
        "14000000000000005500000000000000",
      ],
      [
        `0100000000000000 0400000000000000 ${zeros}`,
        `e33594d7505e43b90000000000000000 3394d7505e4379cd0100000000000000 ${zeros}`,
        "13000000000000000000000000000000",
      ],
    ];
    const mac = new Poly1305();
    for (const [key, message, tag] of cases) {
      assert.equal(tagOf(mac, hex(key), hex(message)).toString("hex"), tag);
    }
  });

  it("equals the library's for any key and blocks, extreme limbs among them", () => {
    const byte = fc.oneof(fc.constantFrom(0, 0xff), fc.nat(255));
    const key = fc.array(byte, { minLength: 32, maxLength: 32 }).map((list) => Buffer.from(list));
    const message = fc
      .nat(5)
      .chain((n) => fc.array(byte, { minLength: n * BLOCK, maxLength: n * BLOCK }))
      .map((list) => Buffer.from(list));
    const mac = new Poly1305();
    fc.assert(
      fc.property(key, message, (k, m) => assert.deepEqual(tagOf(mac, k, m), Buffer.from(poly1305(m, k)))),
      { numRuns: 2000 },
    );
  });
});
