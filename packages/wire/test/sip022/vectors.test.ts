import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { identityHash, identitySubkey, sessionSubkey } from "../../src/kdf/blake3.ts";
import { createSip022ClientPackets } from "../../src/sip022/client-packets.ts";
import { createSip022ClientStream } from "../../src/sip022/client-stream.ts";
import { createSip022ServerHandshake } from "../../src/sip022/server-handshake.ts";
import { createSip022ServerPackets } from "../../src/sip022/server-packets.ts";
import type { KeyRing } from "../../src/stream.ts";
import {
  AES_128,
  accepted,
  CHACHA,
  credentialOf,
  IdentityRing,
  methodNamed,
  pushAll,
  ScriptedEnvironment,
  SingleRing,
  type Sip022Vectors,
  sip022Vectors,
  type TestKey,
  target,
} from "./fixtures.ts";

const EXAMPLE = target("example.com", 443);
const RESOLVER = target("8.8.8.8", 53);
const DNSQ = Buffer.from("dnsq");
const CLIENT_SESSION = "0102030405060708";
const SERVER_SESSION = "1112131415161718";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

/** Seals the request of the vectors and then its second chunk. */
function sealRequest(vectors: Sip022Vectors, identityKeys: readonly Buffer[]): Buffer {
  const credential = credentialOf(methodNamed(vectors.method), Buffer.from(vectors.psk_b64, "base64"), identityKeys);
  const client = createSip022ClientStream(credential, new ScriptedEnvironment(vectors.timestamp, [vectors.request_salt]));
  const request = client.sealRequest(EXAMPLE, Buffer.from(vectors.initial_payload));
  return Buffer.concat([request, pushAll(client.sealer, Buffer.from(vectors.next_chunk))]);
}

/** Opens a whole request stream and seals the response of the vectors. */
function serve(vectors: Sip022Vectors, ring: KeyRing<TestKey>, request: Buffer): { payload: string; response: Buffer } {
  const env = new ScriptedEnvironment(vectors.timestamp, [vectors.response_salt]);
  const handshake = createSip022ServerHandshake(methodNamed(vectors.method), ring, env, { saltFilter: undefined });
  const stream = accepted(handshake.push(request, 0, request.length));
  assert.deepEqual(stream.target, EXAMPLE);
  assert.equal(stream.salt.toString("hex"), vectors.request_salt);
  env.now = vectors.response_timestamp;
  const first = pushAll(stream.sealer, Buffer.from(vectors.response_first_payload));
  const second = pushAll(stream.sealer, Buffer.from(vectors.response_second_chunk));
  return { payload: stream.payload.toString(), response: Buffer.concat([first, second]) };
}

describe("SIP022 vectors", () => {
  it("cover an AES and a ChaCha method", () => {
    assert.deepEqual(
      sip022Vectors.map((vectors) => vectors.method),
      [AES_128, CHACHA],
    );
  });

  for (const vectors of sip022Vectors) {
    const method = methodNamed(vectors.method);
    const key = Buffer.from(vectors.psk_b64, "base64");
    const credential = credentialOf(method, key);

    describe(vectors.method, () => {
      it("session subkeys", () => {
        assert.equal(sessionSubkey(key, hex(vectors.request_salt)).toString("hex"), vectors.request_session_subkey);
        assert.equal(sessionSubkey(key, hex(vectors.response_salt)).toString("hex"), vectors.response_session_subkey);
      });

      it("request, sealed", () => {
        assert.equal(sealRequest(vectors, []).toString("hex"), vectors.request_stream);
      });

      it("request, opened, and response, sealed", () => {
        const ring = new SingleRing(credential);
        const { payload, response } = serve(vectors, ring, hex(vectors.request_stream));
        assert.equal(payload, vectors.initial_payload + vectors.next_chunk);
        assert.equal(response.toString("hex"), vectors.response_stream);
        assert.equal(ring.hits, 1);
      });

      it("response, opened", () => {
        const env = new ScriptedEnvironment(vectors.response_timestamp, [vectors.request_salt]);
        const { opener } = createSip022ClientStream(credential, env);
        const payload = pushAll(opener, hex(vectors.response_stream));
        assert.equal(payload.toString(), vectors.response_first_payload + vectors.response_second_chunk);
        assert.equal(opener.atBoundary, true);
      });

      it("client packet, sealed, and server packet, opened", () => {
        const nonces = vectors.udp.c2s_nonce === undefined ? [] : [vectors.udp.c2s_nonce];
        const env = new ScriptedEnvironment(vectors.timestamp, [CLIENT_SESSION, ...nonces]);
        const client = createSip022ClientPackets(credential, env);
        assert.equal(client.seal(RESOLVER, DNSQ).toString("hex"), vectors.udp.c2s_packet);
        const answer = client.open(hex(vectors.udp.s2c_packet));
        assert.ok(answer.ok);
        assert.deepEqual(answer.source, RESOLVER);
        assert.match(answer.payload.toString(), /^dns/);
      });

      it("client packet, opened, and server packet, sealed", () => {
        const nonces = vectors.udp.s2c_nonce === undefined ? [] : [vectors.udp.s2c_nonce];
        const env = new ScriptedEnvironment(vectors.timestamp, [SERVER_SESSION, ...nonces]);
        const server = createSip022ServerPackets<TestKey>(method, env);
        const request = server.open(hex(vectors.udp.c2s_packet), new SingleRing(credential));
        assert.ok(request.ok);
        assert.deepEqual(request.target, RESOLVER);
        assert.deepEqual(request.payload, DNSQ);
        assert.equal(request.session?.clientSessionId, CLIENT_SESSION);
        env.now = vectors.response_timestamp;
        const client = createSip022ClientPackets(credential, new ScriptedEnvironment(vectors.timestamp, [CLIENT_SESSION]));
        const expected = client.open(hex(vectors.udp.s2c_packet));
        assert.ok(expected.ok);
        const answer = server.seal(request.key, request.session, RESOLVER, expected.payload);
        assert.equal(answer.toString("hex"), vectors.udp.s2c_packet);
      });
    });
  }
});

describe("SIP023 vectors", () => {
  const vectors = sip022Vectors.find((each) => each.eih !== undefined);
  assert.ok(vectors?.eih, "the vectors have a set with identity headers");
  const { eih } = vectors;
  const method = methodNamed(vectors.method);
  const identityKey = Buffer.from(eih.ipsk_b64, "base64");
  const key = Buffer.from(vectors.psk_b64, "base64");
  const other = credentialOf(method, Buffer.alloc(16, 0x77));
  const ring = new IdentityRing(identityKey, { other, alice: credentialOf(method, key) });

  it("identity hash and subkey", () => {
    assert.equal(identityHash(key).toString("hex"), eih.upsk_hash16);
    assert.equal(identitySubkey(identityKey, hex(vectors.request_salt)).toString("hex"), eih.tcp_identity_subkey);
  });

  it("request, sealed", () => {
    assert.equal(sealRequest(vectors, [identityKey]).toString("hex"), eih.request_stream);
    assert.equal(eih.request_stream.slice(32, 64), eih.tcp_identity_header);
  });

  it("request, opened; the response has no identity header", () => {
    const { payload, response } = serve(vectors, ring, hex(eih.request_stream));
    assert.equal(payload, vectors.initial_payload + vectors.next_chunk);
    assert.equal(response.toString("hex"), vectors.response_stream);
  });

  it("packet, sealed", () => {
    const env = new ScriptedEnvironment(vectors.timestamp, [CLIENT_SESSION]);
    const packet = createSip022ClientPackets(credentialOf(method, key, [identityKey]), env).seal(RESOLVER, DNSQ);
    assert.equal(packet.toString("hex"), eih.c2s_packet);
    assert.equal(packet.toString("hex", 16, 32), eih.udp_identity_header);
  });

  it("packet, opened; the answer has no identity header", () => {
    const env = new ScriptedEnvironment(vectors.timestamp, [SERVER_SESSION]);
    const server = createSip022ServerPackets<TestKey>(method, env);
    const request = server.open(hex(eih.c2s_packet), ring);
    assert.ok(request.ok);
    assert.equal(request.key.name, "alice");
    assert.deepEqual(request.payload, DNSQ);
    const client = createSip022ClientPackets(
      credentialOf(method, key, [identityKey]),
      new ScriptedEnvironment(vectors.timestamp, [CLIENT_SESSION]),
    );
    const answer = client.open(hex(vectors.udp.s2c_packet));
    assert.ok(answer.ok);
    env.now = vectors.response_timestamp;
    assert.equal(server.seal(request.key, request.session, RESOLVER, answer.payload).toString("hex"), vectors.udp.s2c_packet);
  });
});

/** Published in the tests of urban-spork, a client and server of independent origin. */
describe("SIP022 public vectors", () => {
  it("session subkey", () => {
    const key = Buffer.from("Lc3tTx0BY6ZJ/fCwOx3JvF0I/anhwJBO5p2+FA5Vce4=", "base64");
    const salt = Buffer.from("3oFO0VyLyGI4nFN0M9P+62vPND/L6v8IingaPJWTbJA=", "base64");
    assert.equal(sessionSubkey(key, salt).toString("base64"), "EdNE+4U8dVnHT0+poAFDK2bdlwfrHT61sUNr9WYPh+E=");
  });

  it("identity subkey", () => {
    const material = Buffer.from("Personal search-enabled assistant for programmers");
    const subkey = identitySubkey(material.subarray(0, 32), material.subarray(32));
    assert.equal(subkey.toString("base64"), "nb91ZIjdNzFcPmGRS3Lg7m+muVqat549+RSDluyVN4c=");
  });
});
