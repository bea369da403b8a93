import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createClientPacketCodec,
  createClientStream,
  createServerHandshake,
  createServerPacketCodec,
  METHODS,
  SaltHistory,
} from "../../src/index.ts";
import { createLegacyCipher } from "../../src/legacy/cipher.ts";
import type { AcceptedStream, RefusedStream, SaltFilter } from "../../src/stream.ts";
import { credentialFor, TrialRing } from "../sip004/fixtures.ts";
import { accepted, pushAll, ScriptedEnvironment, type TestKey, target } from "../sip022/fixtures.ts";

type Outcome = AcceptedStream<TestKey> | RefusedStream | undefined;

const EXAMPLE = target("example.com", 443);
const SHORTEST_ADDRESS = 1 + 1 + 1 + 2;
const failureOf = (outcome: Outcome): string | undefined => (outcome === undefined || outcome.ok ? undefined : outcome.failure);

for (const method of METHODS.filter(({ kind }) => kind === "stream")) {
  const { name } = method;
  const credential = credentialFor(name, "secret");
  const handshakeWith = (ring: TrialRing, saltFilter?: SaltFilter) =>
    createServerHandshake(method, ring, new ScriptedEnvironment(undefined, [], "server"), { saltFilter });
  const push = (bytes: Buffer, ring = new TrialRing(name, ["secret"]), saltFilter?: SaltFilter): Outcome =>
    handshakeWith(ring, saltFilter).push(bytes, 0, bytes.length);
  const request = (seed = "client"): Buffer =>
    createClientStream(credential, new ScriptedEnvironment(undefined, [], seed)).sealRequest(EXAMPLE, Buffer.from("hello"));
  const sealed = (plaintext: Buffer, fill = 1): Buffer => {
    const iv = Buffer.alloc(method.saltLength, fill);
    const out = Buffer.concat([iv, Buffer.alloc(plaintext.length)]);
    createLegacyCipher(method, credential.key, iv, "seal").apply(plaintext, 0, plaintext.length, out, iv.length);
    return out;
  };

  describe(`${name} stream`, () => {
    it("opens split at every offset and goes on both ways", () => {
      const whole = request();
      for (let cut = 0; cut < whole.length; cut += 1) {
        const client = createClientStream(credential, new ScriptedEnvironment());
        const bytes = Buffer.concat([client.sealRequest(EXAMPLE, Buffer.from("hello")), pushAll(client.sealer, Buffer.from(" world"))]);
        const handshake = handshakeWith(new TrialRing(name, ["secret"]));
        const early = handshake.push(bytes, 0, cut);
        const stream = accepted(early ?? handshake.push(bytes, cut, bytes.length));
        const rest = early === undefined ? "" : pushAll(stream.opener, bytes.subarray(cut)).toString();
        assert.deepEqual(stream.target, EXAMPLE);
        assert.equal(stream.payload.toString() + rest, "hello world");
        assert.deepEqual(stream.salt, bytes.subarray(0, method.saltLength));

        const answer = Buffer.concat([pushAll(stream.sealer, Buffer.from("reply")), pushAll(stream.sealer, Buffer.from(" more"))]);
        assert.equal(answer.length, method.saltLength + 10);
        const at = Math.min(cut, answer.length);
        const opened = [answer.subarray(0, at), answer.subarray(at)].map((part) => pushAll(client.opener, part).toString());
        assert.equal(opened.join(""), "reply more");
      }
    });

    it("says which key it was, and has none without keys", () => {
      const ring = new TrialRing(name, ["secret"]);
      assert.equal(accepted(push(request(), ring)).key.name, "secret");
      assert.deepEqual(ring.hits, ["secret"]);
      assert.equal(failureOf(push(request(), new TrialRing(name, []))), "AUTH_FAILED");
    });

    it("refuses whatever does not begin with an address, one-time auth by name", () => {
      const rest = Buffer.from([4, 116, 101, 115, 116, 0, 80]);
      for (let atyp = 0; atyp <= 0xff; atyp += 1) {
        if ([1, 3, 4].includes(atyp)) continue;
        const expected = [0x11, 0x13, 0x14].includes(atyp) ? "BAD_HEADER" : "BAD_ADDRESS";
        const plaintext = Buffer.concat([Buffer.of(atyp), rest]);
        assert.equal(failureOf(push(sealed(plaintext))), expected, `ATYP ${atyp}`);
        assert.equal(failureOf(push(sealed(plaintext).subarray(0, method.saltLength + 1))), expected, "at once");
      }
      assert.equal(failureOf(push(sealed(Buffer.of(3, 0, 0, 80)))), "BAD_ADDRESS");
    });

    it("waits for the whole address", () => {
      const address = Buffer.concat([Buffer.of(3, 11), Buffer.from("example.com"), Buffer.of(1, 0xbb)]);
      const bytes = sealed(address);
      for (let length = 0; length < bytes.length; length += 1) assert.equal(push(bytes.subarray(0, length)), undefined);
      assert.equal(accepted(push(bytes)).payload.length, 0);
    });

    it("refuses an IV it has seen, its own answer's among them", () => {
      const filter = new SaltHistory(100);
      const stream = accepted(push(request(), undefined, filter));
      assert.equal(failureOf(push(request(), undefined, filter)), "REPLAYED");
      const answer = pushAll(stream.sealer, Buffer.from([1, 127, 0, 0, 1, 0, 80]));
      assert.equal(failureOf(push(answer, undefined, filter)), "REPLAYED");
      accepted(push(request("another"), undefined, filter));
    });
  });

  describe(`${name} packets`, () => {
    const server = (saltFilter?: SaltFilter) =>
      createServerPacketCodec(method, new ScriptedEnvironment(undefined, [], "server"), { saltFilter });

    it("go there and back", () => {
      const client = createClientPacketCodec(credential, new ScriptedEnvironment());
      const ring = new TrialRing(name, ["secret"]);
      for (const length of [0, 1, 1400, 65_000]) {
        const opened = server().open(client.seal(EXAMPLE, Buffer.alloc(length, 3)), ring);
        assert.ok(opened.ok);
        assert.deepEqual(opened.target, EXAMPLE);
        assert.deepEqual(opened.payload, Buffer.alloc(length, 3));
        assert.equal(opened.session, undefined);
        const answer = client.open(server().seal(opened.key, undefined, target("1.2.3.4", 5), opened.payload));
        assert.ok(answer.ok);
        assert.deepEqual(answer.source, target("1.2.3.4", 5));
        assert.deepEqual(answer.payload, opened.payload);
      }
    });

    it("are refused when too short, cut off, not an address or one-time authenticated", () => {
      const ring = new TrialRing(name, ["secret"]);
      const datagram = sealed(Buffer.from([1, 8, 8, 8, 8, 0, 53]));
      for (let length = 0; length < datagram.length; length += 1) {
        const failure = length < method.saltLength + SHORTEST_ADDRESS ? "TOO_SHORT" : "BAD_ADDRESS";
        assert.deepEqual(server().open(datagram.subarray(0, length), ring), { ok: false, failure });
      }
      assert.deepEqual(server().open(sealed(Buffer.from([2, 8, 8, 8, 8, 0, 53])), ring), { ok: false, failure: "BAD_ADDRESS" });
      assert.deepEqual(server().open(sealed(Buffer.from([0x11, 8, 8, 8, 8, 0, 53])), ring), { ok: false, failure: "BAD_HEADER" });
      assert.deepEqual(server().open(datagram, new TrialRing(name, [])), { ok: false, failure: "AUTH_FAILED" });
      assert.deepEqual(ring.hits, []);
    });

    it("are checked for replay when a filter is given", () => {
      const filter = new SaltHistory(10);
      const relay = server(filter);
      const ring = new TrialRing(name, ["secret"]);
      const datagram = sealed(Buffer.from([1, 8, 8, 8, 8, 0, 53]));
      assert.equal(relay.open(datagram, ring).ok, true);
      assert.deepEqual(relay.open(datagram, ring), { ok: false, failure: "REPLAYED" });
    });
  });
}
