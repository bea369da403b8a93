import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { composeAddressed } from "../../src/addressed-payload.ts";
import { createAead } from "../../src/aead/aead.ts";
import { createClientPacketCodec, createServerPacketCodec, SaltHistory } from "../../src/index.ts";
import { SubkeySalt } from "../../src/kdf/hkdf-sha1.ts";
import { aeadAlgorithm } from "../../src/sip004/algorithm.ts";
import { flipped, methodNamed, ScriptedEnvironment, type TestKey, target } from "../sip022/fixtures.ts";
import { credentialFor, METHOD_NAMES, TrialRing } from "./fixtures.ts";

const DNS = target("2001:db8::53", 53);
const NO_FILTER = { saltFilter: undefined };
const SHORTEST_ADDRESS = 1 + 1 + 1 + 2;

for (const name of METHOD_NAMES) {
  const method = methodNamed(name);
  const credential = credentialFor(name, "secret");
  const server = () => createServerPacketCodec<TestKey>(method, new ScriptedEnvironment(undefined, [], "server"), NO_FILTER);
  const client = () => createClientPacketCodec(credential, new ScriptedEnvironment());

  describe(`${name} packets`, () => {
    it("go there and back, under a salt each", () => {
      const ring = new TrialRing(name, ["a", "secret", "b"]);
      const codec = client();
      const datagrams = [Buffer.alloc(0), Buffer.from("dnsq"), Buffer.alloc(65_000, 7)].map((payload) => codec.seal(DNS, payload));
      assert.equal(new Set(datagrams.map((datagram) => datagram.toString("hex", 0, method.saltLength))).size, 3);
      const relay = server();
      for (const [i, length] of [0, 4, 65_000].entries()) {
        const request = relay.open(datagrams[i]!, ring);
        assert.ok(request.ok);
        assert.equal(request.key.name, "secret");
        assert.deepEqual(request.target, DNS);
        assert.equal(request.payload.length, length);
        const answer = codec.open(relay.seal(request.key, undefined, target("9.9.9.9", 53), request.payload));
        assert.ok(answer.ok);
        assert.deepEqual(answer.source, target("9.9.9.9", 53));
        assert.deepEqual(answer.payload, request.payload);
      }
      assert.equal(ring.tried, 6);
    });

    it("are refused with any byte flipped, and at every shorter length", () => {
      const datagram = client().seal(DNS, Buffer.from("dnsq"));
      const relay = server();
      const ring = new TrialRing(name, ["secret"]);
      const shortest = method.saltLength + 16 + SHORTEST_ADDRESS;
      for (let at = 0; at < datagram.length; at += 1) {
        assert.deepEqual(relay.open(flipped(datagram, at), ring), { ok: false, failure: "AUTH_FAILED" });
        assert.deepEqual(client().open(flipped(datagram, at)), { ok: false, failure: "AUTH_FAILED" });
        const failure = at < shortest ? "TOO_SHORT" : "AUTH_FAILED";
        assert.deepEqual(relay.open(datagram.subarray(0, at), ring), { ok: false, failure });
        assert.deepEqual(client().open(datagram.subarray(0, at)), { ok: false, failure });
      }
      assert.deepEqual(ring.hits, []);
    });

    it("are refused when authentic but without an address", () => {
      const salt = Buffer.alloc(method.saltLength, 1);
      const aead = createAead(aeadAlgorithm(method), new SubkeySalt(salt).derive(credential.key));
      const plaintext = Buffer.concat([Buffer.of(9), Buffer.alloc(20)]);
      const datagram = Buffer.concat([salt, Buffer.alloc(plaintext.length + 16)]);
      aead.seal(Buffer.alloc(aead.nonceLength), plaintext, 0, plaintext.length, datagram, salt.length);
      assert.deepEqual(server().open(datagram, new TrialRing(name, ["secret"])), { ok: false, failure: "BAD_ADDRESS" });
      assert.deepEqual(client().open(datagram), { ok: false, failure: "BAD_ADDRESS" });
    });

    it("are refused for another reason when the ring had not every key tried", () => {
      const datagram = client().seal(DNS, Buffer.from("dnsq"));
      const ring = Object.assign(new TrialRing(name, ["a", "b"]), { cutShort: true });
      assert.deepEqual(server().open(datagram, ring), { ok: false, failure: "TRIAL_LIMIT" });
    });

    it("are checked for replay when a filter is given, after authentication", () => {
      const saltFilter = new SaltHistory(10);
      const relay = createServerPacketCodec(method, new ScriptedEnvironment(), { saltFilter });
      const ring = new TrialRing(name, ["secret"]);
      const datagram = client().seal(DNS, Buffer.from("dnsq"));
      assert.equal(relay.open(flipped(datagram, datagram.length - 1), ring).ok, false);
      assert.equal(saltFilter.entries, 0);
      assert.equal(relay.open(datagram, ring).ok, true);
      assert.deepEqual(relay.open(datagram, ring), { ok: false, failure: "REPLAYED" });
      assert.deepEqual(ring.hits, ["secret"], "a replay teaches the ring nothing");
      assert.equal(server().open(datagram, ring).ok, true);
    });
  });
}

describe("addressed payload", () => {
  it("is never shorter than the shortest address", () => {
    assert.equal(composeAddressed(target("x", 1), Buffer.alloc(0)).length, SHORTEST_ADDRESS);
  });
});
