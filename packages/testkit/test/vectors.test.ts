import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, shadowsocksVectors, vectorOf } from "../src/vectors.ts";

test("the vectors are there, with the shape their types claim", () => {
  const { evp_bytes_to_key: keys, sip004, sip022 } = shadowsocksVectors;
  assert.equal(keys.length, 3);
  assert.deepEqual(
    sip004.map(({ method }) => method),
    ["aes-128-gcm", "chacha20-ietf-poly1305"],
  );
  assert.deepEqual(
    sip022.map(({ method }) => method),
    ["2022-blake3-aes-128-gcm", "2022-blake3-chacha20-poly1305"],
  );
  for (const vector of sip004) assert.equal(vector.tcp_parts.join(""), vector.tcp_stream);
  for (const vector of sip022) {
    assert.ok(vector.request_stream.startsWith(vector.request_salt) && vector.response_stream.startsWith(vector.response_salt));
    assert.ok(fromHex(vector.udp.c2s_packet).length > 0 && fromHex(vector.udp.s2c_packet).length > 0);
    assert.equal("c2s_nonce" in vector.udp, vector.method.includes("chacha20"));
    assert.equal(vector.eih !== undefined, vector.method.includes("aes"));
  }
});

test("lookups and hex fail loudly", () => {
  assert.equal(vectorOf(shadowsocksVectors.sip004, "aes-128-gcm").password, "barfoo!");
  assert.throws(() => vectorOf(shadowsocksVectors.sip004, "aes-128-cfb"), RangeError);
  assert.deepEqual(fromHex("00fF"), Buffer.from([0, 255]));
  for (const text of ["0", "0g", " 00", "0x00"]) assert.throws(() => fromHex(text), TypeError, text);
});
