import assert from "node:assert/strict";
import { test } from "node:test";
import { addressFrom, addressLength, writeAddress } from "@shadowfleet/wire";
import { decodeSocksAddress, encodeSocksAddress } from "../src/socks-address.ts";

const ENDPOINTS = [
  ["127.0.0.1", "017f0000010050"],
  ["::", "04000000000000000000000000000000000050"],
  ["2001:db8::1", "0420010db80000000000000000000000010050"],
  ["::ffff:192.0.2.1", "0400000000000000000000ffffc00002010050"],
  ["1:2:3:4:5:6:7:8", "04000100020003000400050006000700080050"],
  ["example.com", "030b6578616d706c652e636f6d0050"],
] as const;

test("known bytes, the same as the wire library's", () => {
  for (const [host, hex] of ENDPOINTS) {
    const bytes = encodeSocksAddress({ host, port: 80 });
    assert.equal(bytes.toString("hex"), hex, host);
    assert.deepEqual(decodeSocksAddress(Buffer.concat([Buffer.alloc(3), bytes]), 3), { host, port: 80, next: 3 + bytes.length });
    const target = addressFrom(host, 80);
    assert.ok(target);
    const theirs = Buffer.alloc(addressLength(target));
    writeAddress(target, theirs, 0);
    assert.deepEqual(theirs, bytes);
  }
  assert.equal(encodeSocksAddress({ host: "::1", port: 1 }, true).toString("hex"), "03033a3a310001");
});

test("what is no address throws", () => {
  assert.throws(() => encodeSocksAddress({ host: "a".repeat(256), port: 1 }), RangeError);
  for (const hex of ["017f00000100", "0400", "0305616263", "03", "020000", ""]) {
    assert.throws(() => decodeSocksAddress(Buffer.from(hex, "hex"), 0), RangeError, hex);
  }
});
