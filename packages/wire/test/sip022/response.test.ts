import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SaltPool } from "../../src/replay/salt-pool.ts";
import { createSip022ClientStream } from "../../src/sip022/client-stream.ts";
import type { ResponseOpenerOptions } from "../../src/sip022/response-opener.ts";
import { type ClientStream, FAILED } from "../../src/stream.ts";
import {
  credentialOf,
  flipped,
  keyNamed,
  METHOD_NAMES,
  methodNamed,
  NOW,
  pushAll,
  pushPieces,
  ScriptedEnvironment,
  target,
} from "./fixtures.ts";
import { acceptRequest, forgeResponse, type ResponseParts } from "./forge.ts";

const EXAMPLE = target("example.com", 443);
const TAG = 16;

for (const name of METHOD_NAMES) {
  const method = methodNamed(name);
  const credential = credentialOf(method, keyNamed(method, "psk"));
  const opening = method.saltLength + 1 + 8 + method.saltLength + 2 + TAG;
  const requestSalt = Buffer.alloc(method.saltLength, 0x11);

  /** A client whose request salt is `requestSalt`. */
  const clientOf = (options: ResponseOpenerOptions = {}): ClientStream =>
    createSip022ClientStream(credential, new ScriptedEnvironment(NOW, [requestSalt.toString("hex")]), options);
  const forge = (parts: ResponseParts = {}, salt: Buffer = requestSalt): Buffer => forgeResponse(credential, salt, parts);
  const failureOf = (response: Buffer): string | undefined => {
    const { opener } = clientOf();
    return pushPieces(opener, response) === FAILED ? opener.failure : undefined;
  };

  /** A server's answer: "hello" with the header, then "world" in a chunk. */
  const sampleResponse = (): Buffer => {
    const { sealer } = acceptRequest(credential, clientOf().sealRequest(EXAMPLE, Buffer.from("GET /")));
    return Buffer.concat([pushAll(sealer, Buffer.from("hello")), pushAll(sealer, Buffer.from("world"))]);
  };

  describe(`${name} response`, () => {
    it("is accepted up to 30 s off either way and refused beyond", () => {
      for (const skew of [-30, 0, 30]) assert.equal(pushAll(clientOf().opener, forge({ timestamp: NOW + skew })).toString(), "answer");
      for (const skew of [-31, 31]) assert.equal(failureOf(forge({ timestamp: NOW + skew })), "BAD_TIMESTAMP", `${skew} s`);
      assert.equal(failureOf(forge({ timestamp: 2n ** 64n - 1n })), "BAD_TIMESTAMP");
    });

    it("is refused with a type other than 1", () => {
      for (const type of [0, 2, 255]) assert.equal(failureOf(forge({ type })), "BAD_HEADER", `type ${type}`);
    });

    it("is refused when it answers another request", () => {
      assert.equal(failureOf(forge({}, Buffer.alloc(method.saltLength, 0x12))), "BAD_HEADER");
      for (let at = 0; at < method.saltLength; at += 1) assert.equal(failureOf(forge({}, flipped(requestSalt, at))), "BAD_HEADER");
    });

    it("is refused when it announces no payload", () => {
      assert.equal(failureOf(forge({ length: 0 })), "BAD_HEADER");
      assert.equal(failureOf(forge({ payload: Buffer.alloc(0) })), "BAD_HEADER");
    });

    it("is refused when it is the client's own request sent back", () => {
      const client = clientOf();
      const request = client.sealRequest(EXAMPLE, Buffer.from("some payload, so that it is long enough"));
      assert.equal(pushPieces(client.opener, request), FAILED);
    });

    it("is refused when salt and header do not come in one read", () => {
      const response = sampleResponse();
      for (let length = 1; length < opening; length += 1) {
        const { opener } = clientOf();
        assert.equal(pushPieces(opener, response.subarray(0, length)), FAILED);
        assert.equal(opener.failure, "SEGMENTED_HEADER");
        assert.equal(pushPieces(opener, response.subarray(length)), FAILED, "and ever after");
      }
    });

    it("opens wherever the reads after the header are split", () => {
      const response = sampleResponse();
      for (let cut = opening; cut <= response.length; cut += 1) {
        const { opener } = clientOf();
        assert.equal(pushPieces(opener, response, [cut]).toString(), "helloworld", `cut at ${cut}`);
        assert.equal(opener.atBoundary, true);
      }
    });

    it("opens byte by byte when segmented headers are allowed", () => {
      const response = sampleResponse();
      const { opener } = clientOf({ allowSegmentedHeader: true });
      const cuts = Array.from({ length: response.length - 1 }, (_, i) => i + 1);
      assert.equal(pushPieces(opener, response, cuts).toString(), "helloworld");
      assert.equal(opener.atBoundary, true);
    });

    it("tells an end from a truncation", () => {
      const response = sampleResponse();
      const firstPayloadEnd = opening + 5 + TAG;
      for (let length = 0; length <= response.length; length += 1) {
        const { opener } = clientOf({ allowSegmentedHeader: true });
        assert.notEqual(pushPieces(opener, response.subarray(0, length)), FAILED);
        const complete = length === 0 || length === firstPayloadEnd || length === response.length;
        assert.equal(opener.atBoundary, complete, `${length} bytes`);
      }
    });

    it("is refused with any byte changed", () => {
      const response = sampleResponse();
      for (let at = 0; at < response.length; at += 1) {
        for (const mask of [0x01, 0x80]) assert.equal(failureOf(flipped(response, at, mask)), "AUTH_FAILED", `byte ${at}`);
      }
    });

    it("is refused when its salt was seen before, given a filter", () => {
      const saltFilter = new SaltPool();
      const response = forge();
      assert.equal(pushAll(clientOf({ saltFilter }).opener, response).toString(), "answer");
      const { opener } = clientOf({ saltFilter });
      assert.equal(pushPieces(opener, response), FAILED);
      assert.equal(opener.failure, "REPLAYED");
      pushPieces(clientOf({ saltFilter }).opener, Buffer.alloc(200, 1));
      pushPieces(clientOf({ saltFilter }).opener, forge({ timestamp: NOW - 31, salt: Buffer.alloc(method.saltLength, 9) }));
      assert.equal(saltFilter.entries, 1);
    });

    it("begins with the first data, in one push with it", () => {
      const { sealer } = acceptRequest(credential, clientOf().sealRequest(EXAMPLE, Buffer.from("GET /")));
      assert.equal(pushAll(sealer, Buffer.alloc(0)).length, 0);
      assert.equal(pushAll(sealer, Buffer.from("x")).length, opening + 1 + TAG);
      assert.equal(pushAll(sealer, Buffer.alloc(0)).length, 0);
      assert.equal(pushAll(sealer, Buffer.from("y")).length, 2 + TAG + 1 + TAG);
    });

    it("has a salt of its own, and the time of its first data", () => {
      const env = new ScriptedEnvironment(NOW, [], "server");
      const { sealer } = acceptRequest(credential, clientOf().sealRequest(EXAMPLE, Buffer.from("GET /")), env);
      env.now = NOW + 45;
      const response = pushAll(sealer, Buffer.from("late"));
      assert.notDeepEqual(response.subarray(0, method.saltLength), requestSalt);
      assert.equal(failureOf(response), "BAD_TIMESTAMP");
      const late = new ScriptedEnvironment(NOW, [requestSalt.toString("hex")]);
      const { opener } = createSip022ClientStream(credential, late);
      late.now = NOW + 45;
      assert.equal(pushAll(opener, response).toString(), "late");
    });

    it("never throws on random bytes in random reads", () => {
      const env = new ScriptedEnvironment(NOW, [], "random response");
      for (let i = 0; i < 300; i += 1) {
        const bytes = Buffer.alloc(opening + (i % 100));
        env.random(bytes);
        const { opener } = clientOf({ allowSegmentedHeader: i % 2 === 0 });
        assert.equal(pushPieces(opener, bytes, [(i * 31) % bytes.length]), FAILED);
      }
    });
  });
}
