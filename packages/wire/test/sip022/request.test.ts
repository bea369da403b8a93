import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SaltPool } from "../../src/replay/salt-pool.ts";
import { createSip022ClientStream } from "../../src/sip022/client-stream.ts";
import { createSip022ServerHandshake } from "../../src/sip022/server-handshake.ts";
import { type AcceptedStream, FAILED, type RefusedStream, type SaltFilter, type ServerStreamOptions } from "../../src/stream.ts";
import {
  accepted,
  credentialOf,
  flipped,
  keyNamed,
  METHOD_NAMES,
  methodNamed,
  NOW,
  pushAll,
  pushPieces,
  ScriptedEnvironment,
  SingleRing,
  type TestKey,
  target,
} from "./fixtures.ts";
import { ADDRESS, forgeRequest, type RequestParts, u16 } from "./forge.ts";

const EXAMPLE = target("example.com", 443);
const TAG = 16;
const FIXED = 11;

type Outcome = AcceptedStream<TestKey> | RefusedStream | undefined;
const failureOf = (outcome: Outcome): string | undefined => (outcome === undefined || outcome.ok ? undefined : outcome.failure);

for (const name of METHOD_NAMES) {
  const method = methodNamed(name);
  const credential = credentialOf(method, keyNamed(method, "psk"));
  const opening = method.saltLength + FIXED + TAG;

  const handshakeOf = (options: Partial<ServerStreamOptions> = {}, env = new ScriptedEnvironment()) =>
    createSip022ServerHandshake(method, new SingleRing(credential), env, { saltFilter: undefined, ...options });
  const openWhole = (request: Buffer, options: Partial<ServerStreamOptions> = {}, env = new ScriptedEnvironment()): Outcome =>
    handshakeOf(options, env).push(request, 0, request.length);
  const forge = (parts: RequestParts): Buffer => forgeRequest(credential, parts);

  /** A request with "hello" in its header, then a chunk with "world". */
  const sampleRequest = (seed = "sample"): Buffer => {
    const client = createSip022ClientStream(credential, new ScriptedEnvironment(NOW, [], seed));
    return Buffer.concat([client.sealRequest(EXAMPLE, Buffer.from("hello")), pushAll(client.sealer, Buffer.from("world"))]);
  };

  describe(`${name} request`, () => {
    it("carries 1 to 900 bytes of padding, of varying length, when it carries no payload", () => {
      const lengths = new Set<number>();
      const bare = opening + 1 + 1 + "example.com".length + 2 + 2 + TAG;
      for (let i = 0; i < 300; i += 1) {
        const env = new ScriptedEnvironment(NOW, [], `padding ${i}`);
        const request = createSip022ClientStream(credential, env).sealRequest(EXAMPLE, Buffer.alloc(0));
        const padding = request.length - bare;
        assert.ok(padding >= 1 && padding <= 900, `${padding} bytes`);
        lengths.add(padding);
        const stream = accepted(openWhole(request));
        assert.equal(stream.payload.length, 0);
        assert.deepEqual(stream.target, EXAMPLE);
      }
      assert.ok(lengths.size > 150, `${lengths.size} different lengths`);
    });

    it("draws padding at both ends of its range", () => {
      for (const [word, padding] of [
        ["00000000", 1],
        ["00000383", 900],
        ["00000384", 1],
      ] as const) {
        const env = new ScriptedEnvironment(NOW, ["33".repeat(method.saltLength), word]);
        const request = createSip022ClientStream(credential, env).sealRequest(target("1.2.3.4", 5), Buffer.alloc(0));
        assert.equal(request.length, opening + 7 + 2 + padding + TAG);
        assert.ok(accepted(openWhole(request)).ok);
      }
    });

    it("carries no padding when it carries payload", () => {
      const request = createSip022ClientStream(credential, new ScriptedEnvironment()).sealRequest(EXAMPLE, Buffer.from("x"));
      assert.equal(request.length, opening + 1 + 1 + "example.com".length + 2 + 2 + 1 + TAG);
    });

    it("is accepted up to 30 s off either way and refused beyond", () => {
      for (const skew of [-30, -1, 0, 1, 30]) assert.ok(accepted(openWhole(forge({ timestamp: NOW + skew }))).ok, `${skew} s`);
      for (const skew of [-31, 31, -NOW, 86_400]) {
        assert.equal(failureOf(openWhole(forge({ timestamp: NOW + skew }))), "BAD_TIMESTAMP", `${skew} s`);
      }
      for (const timestamp of [2n ** 32n + BigInt(NOW), 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
        assert.equal(failureOf(openWhole(forge({ timestamp }))), "BAD_TIMESTAMP", `${timestamp}`);
      }
    });

    it("is refused with a type other than 0", () => {
      for (const type of [1, 2, 255]) assert.equal(failureOf(openWhole(forge({ type }))), "BAD_HEADER", `type ${type}`);
    });

    it("is refused when its variable header breaks a rule", () => {
      const data = Buffer.from("data");
      const cases: readonly (readonly [string, Buffer, string])[] = [
        ["neither padding nor payload", Buffer.concat([ADDRESS, u16(0)]), "BAD_HEADER"],
        ["padding beyond 900", Buffer.concat([ADDRESS, u16(901), Buffer.alloc(901), data]), "BAD_HEADER"],
        ["padding beyond the header", Buffer.concat([ADDRESS, u16(5), Buffer.alloc(4)]), "BAD_HEADER"],
        ["no padding length", ADDRESS, "BAD_HEADER"],
        ["half a padding length", Buffer.concat([ADDRESS, Buffer.of(0)]), "BAD_HEADER"],
        ["nothing at all", Buffer.alloc(0), "BAD_ADDRESS"],
        ["an address cut short", ADDRESS.subarray(0, 6), "BAD_ADDRESS"],
        ["an unknown address type", Buffer.concat([Buffer.of(9), ADDRESS.subarray(1), u16(0), data]), "BAD_ADDRESS"],
        ["an empty domain", Buffer.concat([Buffer.of(3, 0), u16(80), u16(0), data]), "BAD_ADDRESS"],
      ];
      for (const [what, variable, failure] of cases) assert.equal(failureOf(openWhole(forge({ variable }))), failure, what);
    });

    it("is accepted at the edges of those rules", () => {
      const cases: readonly (readonly [string, Buffer, string])[] = [
        ["900 bytes of padding", Buffer.concat([ADDRESS, u16(900), Buffer.alloc(900)]), ""],
        ["padding and payload", Buffer.concat([ADDRESS, u16(3), Buffer.alloc(3), Buffer.from("data")]), "data"],
        ["one byte of payload", Buffer.concat([ADDRESS, u16(0), Buffer.from("d")]), "d"],
        ["the longest header", Buffer.concat([ADDRESS, u16(0), Buffer.alloc(0xffff - 9, "d")]), "d".repeat(0xffff - 9)],
      ];
      for (const [what, variable, payload] of cases) {
        assert.equal(accepted(openWhole(forge({ variable }))).payload.toString(), payload, what);
      }
    });

    it("is refused when the fixed header lies about the length", () => {
      const variable = Buffer.concat([ADDRESS, u16(0), Buffer.from("data")]);
      assert.equal(failureOf(openWhole(forge({ variable, length: variable.length - 1 }))), "AUTH_FAILED");
      assert.equal(openWhole(forge({ variable, length: variable.length + 1 })), undefined);
    });

    it("is refused when salt and fixed header do not come in one read", () => {
      const request = sampleRequest();
      for (let length = 1; length < opening; length += 1) {
        const handshake = handshakeOf();
        assert.equal(failureOf(handshake.push(request, 0, length)), "SEGMENTED_HEADER", `${length} bytes`);
        assert.equal(failureOf(handshake.push(request, length, request.length)), "SEGMENTED_HEADER", "and stays refused");
      }
      assert.equal(handshakeOf().push(request, 0, opening), undefined);
    });

    it("does not take an empty read for one", () => {
      const request = sampleRequest();
      const handshake = handshakeOf();
      assert.equal(handshake.push(request, 7, 7), undefined);
      assert.equal(accepted(handshake.push(request, 0, request.length)).payload.toString(), "helloworld");
    });

    it("opens wherever the reads after the fixed header are split", () => {
      const request = sampleRequest();
      for (let cut = opening; cut <= request.length; cut += 1) {
        const handshake = handshakeOf();
        const first = handshake.push(request, 0, cut);
        const stream = accepted(first ?? handshake.push(request, cut, request.length));
        const rest = first === undefined ? Buffer.alloc(0) : pushAll(stream.opener, request.subarray(cut));
        assert.equal(Buffer.concat([stream.payload, rest]).toString(), "helloworld", `cut at ${cut}`);
        assert.equal(stream.opener.atBoundary, true);
      }
    });

    it("opens byte by byte when segmented headers are allowed", () => {
      const request = sampleRequest();
      const handshake = handshakeOf({ allowSegmentedHeader: true });
      let outcome: Outcome;
      let at = 0;
      while (outcome === undefined) {
        outcome = handshake.push(request, at, at + 1);
        at += 1;
      }
      const stream = accepted(outcome);
      const cuts = Array.from({ length: request.length - at }, (_, i) => i);
      const rest = pushPieces(stream.opener, request.subarray(at), cuts);
      assert.notEqual(rest, FAILED);
      assert.equal(Buffer.concat([stream.payload, rest as Buffer]).toString(), "helloworld");
    });

    it("opens in two reads split anywhere when segmented headers are allowed", () => {
      const request = sampleRequest();
      for (let cut = 1; cut < opening; cut += 1) {
        const handshake = handshakeOf({ allowSegmentedHeader: true });
        assert.equal(handshake.push(request, 0, cut), undefined);
        assert.equal(accepted(handshake.push(request, cut, request.length)).payload.toString(), "helloworld", `cut at ${cut}`);
      }
    });

    it("leaves the stream open for what follows, and knows truncation from an end", () => {
      const request = sampleRequest();
      const headers = request.length - 2 * TAG - 2 - 5;
      for (let length = opening; length < request.length; length += 1) {
        const outcome = openWhole(request.subarray(0, length));
        if (length < headers) {
          assert.equal(outcome, undefined, `${length} bytes`);
        } else {
          const stream = accepted(outcome);
          assert.equal(stream.payload.toString(), "hello");
          assert.equal(stream.opener.atBoundary, length === headers, `${length} bytes`);
        }
      }
    });

    it("is refused with any byte changed", () => {
      const request = sampleRequest();
      for (let at = 0; at < request.length; at += 1) {
        for (const mask of [0x01, 0x80]) {
          assert.equal(failureOf(openWhole(flipped(request, at, mask))), "AUTH_FAILED", `byte ${at}`);
        }
      }
    });

    it("fails the stream when a later chunk is changed", () => {
      const client = createSip022ClientStream(credential, new ScriptedEnvironment());
      const request = client.sealRequest(EXAMPLE, Buffer.from("hello"));
      const chunk = pushAll(client.sealer, Buffer.from("world"));
      for (let at = 0; at < chunk.length; at += 1) {
        const { opener } = accepted(openWhole(request));
        assert.equal(pushPieces(opener, flipped(chunk, at)), FAILED, `byte ${at}`);
        assert.equal(opener.failure, "AUTH_FAILED");
        assert.equal(pushPieces(opener, chunk), FAILED, "and ever after");
      }
    });

    it("is refused with another key, and tells the ring of its own", () => {
      const stranger = credentialOf(method, keyNamed(method, "stranger"));
      const ring = new SingleRing(stranger);
      const request = sampleRequest();
      const handshake = createSip022ServerHandshake(method, ring, new ScriptedEnvironment(), { saltFilter: undefined });
      assert.equal(failureOf(handshake.push(request, 0, request.length)), "AUTH_FAILED");
      assert.equal(ring.hits, 0);
    });

    it("is refused when it is replayed, for as long as its timestamp would pass", () => {
      const saltFilter = new SaltPool();
      const request = forge({ timestamp: NOW + 30 });
      assert.ok(accepted(openWhole(request, { saltFilter })).ok);
      for (const later of [0, 1, 30, 59, 60]) {
        assert.equal(failureOf(openWhole(request, { saltFilter }, new ScriptedEnvironment(NOW + later))), "REPLAYED", `after ${later} s`);
      }
      assert.equal(failureOf(openWhole(request, { saltFilter }, new ScriptedEnvironment(NOW + 61))), "BAD_TIMESTAMP");
    });

    it("counts as seen from its fixed header on, whatever follows", () => {
      const saltFilter = new SaltPool();
      const request = forge({});
      assert.equal(handshakeOf({ saltFilter }).push(request, 0, opening), undefined);
      assert.equal(failureOf(openWhole(request, { saltFilter })), "REPLAYED");
    });

    it("adds its salt only when it is authentic, of type 0 and timely", () => {
      const saltFilter = new SaltPool();
      const junk = new ScriptedEnvironment(NOW, [], "junk");
      for (let i = 0; i < 300; i += 1) {
        const bytes = Buffer.alloc(opening + i);
        junk.random(bytes);
        assert.equal(failureOf(openWhole(bytes, { saltFilter })), "AUTH_FAILED");
      }
      openWhole(forge({ timestamp: NOW - 31 }), { saltFilter });
      openWhole(forge({ type: 1 }), { saltFilter });
      assert.equal(saltFilter.entries, 0);
      assert.ok(accepted(openWhole(forge({}), { saltFilter })).ok);
      assert.equal(saltFilter.entries, 1);
    });

    it("asks the filter with its salt and the time of day", () => {
      const asked: [string, number][] = [];
      const saltFilter: SaltFilter = { admit: (salt, seconds) => asked.push([salt.toString("hex"), seconds]) > 0 };
      const salt = Buffer.alloc(method.saltLength, 0x42);
      const stream = accepted(openWhole(forge({ salt, timestamp: NOW - 5 }), { saltFilter }));
      assert.deepEqual(asked, [[salt.toString("hex"), NOW]]);
      assert.deepEqual(stream.salt, salt);
    });

    it("hands out buffers of its own", () => {
      const request = sampleRequest();
      const stream = accepted(openWhole(request));
      const salt = Buffer.from(request.subarray(0, method.saltLength));
      request.fill(0);
      assert.equal(stream.payload.toString(), "helloworld");
      assert.deepEqual(stream.salt, salt);
    });

    it("never throws on random bytes in random reads", () => {
      const env = new ScriptedEnvironment(NOW, [], "random reads");
      for (let i = 0; i < 300; i += 1) {
        const bytes = Buffer.alloc(1 + ((i * 7) % 400));
        env.random(bytes);
        const cut = (i * 31) % bytes.length;
        const handshake = handshakeOf({ allowSegmentedHeader: i % 2 === 0 });
        const outcome = handshake.push(bytes, 0, cut) ?? handshake.push(bytes, cut, bytes.length);
        assert.ok(outcome === undefined || !outcome.ok);
      }
    });
  });
}
