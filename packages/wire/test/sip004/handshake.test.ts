import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAead } from "../../src/aead/aead.ts";
import { ChunkSealer } from "../../src/aead/chunk-sealer.ts";
import { createClientStream, createServerHandshake, FAILED, SaltHistory } from "../../src/index.ts";
import { SubkeySalt } from "../../src/kdf/hkdf-sha1.ts";
import { aeadAlgorithm } from "../../src/sip004/algorithm.ts";
import type { AcceptedStream, RefusedStream, SaltFilter } from "../../src/stream.ts";
import { accepted, flipped, methodNamed, pushAll, ScriptedEnvironment, type TestKey, target } from "../sip022/fixtures.ts";
import { credentialFor, METHOD_NAMES, TrialRing } from "./fixtures.ts";

type Outcome = AcceptedStream<TestKey> | RefusedStream | undefined;

const EXAMPLE = target("example.com", 443);
const SEALED_LENGTH = 2 + 16;
const failureOf = (outcome: Outcome): string | undefined => (outcome === undefined || outcome.ok ? undefined : outcome.failure);

for (const name of METHOD_NAMES) {
  const method = methodNamed(name);
  const credential = credentialFor(name, "secret");
  const handshakeWith = (ring: TrialRing, saltFilter?: SaltFilter, seed = "server") =>
    createServerHandshake(method, ring, new ScriptedEnvironment(undefined, [], seed), { saltFilter });
  const push = (bytes: Buffer, ring = new TrialRing(name, ["secret"]), saltFilter?: SaltFilter): Outcome =>
    handshakeWith(ring, saltFilter).push(bytes, 0, bytes.length);
  const request = (payload = "hello", seed = "client"): Buffer =>
    createClientStream(credential, new ScriptedEnvironment(undefined, [], seed)).sealRequest(EXAMPLE, Buffer.from(payload));

  /** A request whose first messages are any plaintext: what only a holder of the key can forge. */
  const forge = (...plaintexts: Buffer[]): Buffer => {
    const salt = Buffer.alloc(method.saltLength, 0x5a);
    const sealer = new ChunkSealer(createAead(aeadAlgorithm(method), new SubkeySalt(salt).derive(credential.key)), method.maxChunk);
    const messages = plaintexts.map((plaintext) => {
      const sealed = Buffer.alloc(plaintext.length + 16);
      sealer.sealMessage(plaintext, 0, plaintext.length, sealed, 0);
      return sealed;
    });
    return Buffer.concat([salt, ...messages]);
  };
  const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
  const chunks = (...plaintexts: Buffer[]): Buffer => forge(...plaintexts.flatMap((plaintext) => [u16(plaintext.length), plaintext]));

  describe(`${name} handshake`, () => {
    it("opens the same stream split at every offset", () => {
      const bytes = request();
      for (let cut = 0; cut < bytes.length; cut += 1) {
        const handshake = handshakeWith(new TrialRing(name, ["secret"]));
        assert.equal(handshake.push(bytes, 0, cut), undefined, `${cut} bytes`);
        const outcome = accepted(handshake.push(bytes, cut, bytes.length));
        assert.deepEqual(outcome.target, EXAMPLE);
        assert.equal(outcome.payload.toString(), "hello");
      }
    });

    it("opens a stream byte by byte and keeps its state for what follows", () => {
      const client = createClientStream(credential, new ScriptedEnvironment());
      const bytes = Buffer.concat([client.sealRequest(EXAMPLE, Buffer.from("hello")), pushAll(client.sealer, Buffer.from(" world"))]);
      const handshake = handshakeWith(new TrialRing(name, ["secret"]));
      let at = 0;
      let outcome: Outcome;
      while (outcome === undefined) {
        outcome = handshake.push(bytes, at, at + 1);
        at += 1;
      }
      const stream = accepted(outcome);
      assert.equal(stream.payload.toString(), "hello");
      assert.equal(pushAll(stream.opener, bytes.subarray(at)).toString(), " world");
    });

    it("answers under a salt of its own, which comes with the first bytes", () => {
      const client = createClientStream(credential, new ScriptedEnvironment());
      const bytes = client.sealRequest(EXAMPLE, Buffer.alloc(0));
      const { sealer } = accepted(push(bytes));
      assert.equal(sealer.bound(0), 0);
      assert.equal(pushAll(sealer, Buffer.alloc(0)).length, 0);
      assert.equal(sealer.bound(5), method.saltLength + SEALED_LENGTH + 5 + 16);
      const answer = Buffer.concat([pushAll(sealer, Buffer.from("reply")), pushAll(sealer, Buffer.from(" more"))]);
      assert.notDeepEqual(answer.subarray(0, method.saltLength), bytes.subarray(0, method.saltLength));
      assert.equal(client.opener.atBoundary, true);
      assert.equal(pushAll(client.opener, answer.subarray(0, 7)).length, 0);
      assert.equal(client.opener.atBoundary, false);
      assert.equal(pushAll(client.opener, answer.subarray(7)).toString(), "reply more");
      assert.equal(client.opener.atBoundary, true);
    });

    it("finds the right one of many keys, tries each once and stops there", () => {
      const ring = new TrialRing(name, ["a", "b", "secret", "c"]);
      assert.equal(accepted(push(request(), ring)).key.name, "secret");
      assert.equal(ring.tried, 3);
      assert.deepEqual(ring.hits, ["secret"]);
    });

    it("refuses a stream no key opens, as soon as the first length is there and not before", () => {
      const ring = new TrialRing(name, ["a", "b"]);
      const handshake = handshakeWith(ring);
      const bytes = request();
      const headLength = method.saltLength + SEALED_LENGTH;
      assert.equal(handshake.push(bytes, 0, headLength - 1), undefined);
      assert.equal(ring.tried, 0);
      assert.equal(failureOf(handshake.push(bytes, headLength - 1, headLength)), "AUTH_FAILED");
      assert.equal(ring.tried, 2);
      assert.deepEqual(ring.hits, []);
      assert.equal(failureOf(push(bytes, new TrialRing(name, []))), "AUTH_FAILED");
    });

    it("refuses a stream with any byte flipped", () => {
      const bytes = request();
      for (let at = 0; at < bytes.length; at += 1) assert.equal(failureOf(push(flipped(bytes, at))), "AUTH_FAILED", `byte ${at}`);
    });

    it("never accepts a truncated request", () => {
      const bytes = request();
      for (let length = 0; length < bytes.length; length += 1) assert.equal(push(bytes.subarray(0, length)), undefined, `${length} bytes`);
    });

    it("refuses a salt it has seen, once it is authentic", () => {
      const filter = new SaltHistory(100);
      const bytes = request();
      assert.equal(failureOf(push(flipped(bytes, method.saltLength), undefined, filter)), "AUTH_FAILED");
      assert.equal(filter.entries, 0, "junk leaves no trace");
      accepted(push(bytes, undefined, filter));
      assert.equal(failureOf(push(bytes, undefined, filter)), "REPLAYED");
      accepted(push(request("hello", "another"), undefined, filter));
    });

    it("tells the ring of no replay, and why it found nothing where not every key was tried", () => {
      const filter = new SaltHistory(100);
      const bytes = request();
      const ring = new TrialRing(name, ["a", "secret"]);
      accepted(push(bytes, ring, filter));
      assert.equal(failureOf(push(bytes, ring, filter)), "REPLAYED");
      assert.deepEqual(ring.hits, ["secret"]);
      const cut = Object.assign(new TrialRing(name, ["a", "b"]), { cutShort: true });
      assert.equal(failureOf(push(bytes, cut)), "TRIAL_LIMIT");
    });

    it("refuses an answer sent back as a request, here or at a relay that never saw it", () => {
      const filter = new SaltHistory(100);
      const { sealer } = accepted(push(request(), undefined, filter));
      const answer = pushAll(sealer, Buffer.from([1, 127, 0, 0, 1, 0, 80]));
      for (const knowing of [filter, new SaltHistory(100), undefined])
        assert.equal(failureOf(push(answer, undefined, knowing)), "REPLAYED");
      assert.equal(filter.entries, 1, "answers need no memory");
    });

    it("refuses its own request sent back as an answer", () => {
      const client = createClientStream(credential, new ScriptedEnvironment());
      const bytes = client.sealRequest(EXAMPLE, Buffer.from("hello"));
      assert.equal(client.opener.push(bytes, 0, bytes.length, Buffer.alloc(bytes.length), 0), FAILED);
      assert.equal(client.opener.failure, "REPLAYED");
      assert.equal(client.opener.push(bytes, 0, bytes.length, Buffer.alloc(bytes.length), 0), FAILED);
    });

    it("refuses a first length beyond the limit", () => {
      assert.equal(failureOf(push(forge(u16(0x4000), Buffer.alloc(20)))), "BAD_HEADER");
      assert.equal(failureOf(push(forge(u16(0xffff)))), "BAD_HEADER");
    });

    it("refuses an authentic stream that begins with no address", () => {
      for (const plaintext of [Buffer.of(0), Buffer.of(2, 1, 2, 3, 4, 0, 80), Buffer.of(3, 0, 0, 80), Buffer.of(0x11, 1, 2, 3, 4, 0, 80)]) {
        assert.equal(failureOf(push(chunks(plaintext))), "BAD_ADDRESS");
      }
    });

    it("reads an address spread over chunks, empty ones among them", () => {
      const address = Buffer.concat([Buffer.of(3, 11), Buffer.from("example.com"), u16(443)]);
      const bytes = chunks(
        Buffer.alloc(0),
        address.subarray(0, 1),
        address.subarray(1, 7),
        Buffer.alloc(0),
        address.subarray(7),
        Buffer.from("tail"),
      );
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        const handshake = handshakeWith(new TrialRing(name, ["secret"]));
        let outcome: Outcome = handshake.push(bytes, 0, cut);
        let payload = "";
        if (outcome === undefined) outcome = handshake.push(bytes, cut, bytes.length);
        else payload = pushAll(accepted(outcome).opener, bytes.subarray(cut)).toString();
        assert.deepEqual(accepted(outcome).target, EXAMPLE);
        assert.equal(accepted(outcome).payload.toString() + payload, "tail");
      }
    });
  });
}
