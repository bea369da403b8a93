import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  createClientPacketCodec,
  createClientStream,
  createServerHandshake,
  createServerPacketCodec,
  deriveCredential,
  METHODS,
  type Method,
} from "../src/index.ts";
import { accepted, pushAll, pushPieces, ScriptedEnvironment, SingleRing, target } from "./sip022/fixtures.ts";

const SIZES = [0, 1, 0x3fff, 0x4000, 70_000];
const TARGETS = [target("example.com", 443), target("192.0.2.1", 80), target("2001:db8::1", 53)];

function credentialOf(method: Method) {
  const secret = method.kind === "aead-2022" ? Buffer.alloc(method.keyLength, 9).toString("base64") : "barfoo!";
  const result = deriveCredential(method.name, secret);
  assert.ok(result.ok);
  return result.credential;
}

function noise(length: number, seed: string): Buffer {
  const block = createHash("sha512").update(seed).digest();
  return Buffer.alloc(length, block);
}

for (const method of METHODS) {
  const credential = credentialOf(method);

  describe(`${method.name} through the factories`, () => {
    it("carries a TCP stream both ways in any sizes and pieces", () => {
      const sizes = fc.array(fc.constantFrom(...SIZES), { minLength: 1, maxLength: 3 });
      const cutSeeds = fc.array(fc.nat(), { maxLength: 5 });
      fc.assert(
        fc.property(fc.constantFrom(...TARGETS), sizes, sizes, cutSeeds, (destination, up, down, seeds) => {
          const client = createClientStream(credential, new ScriptedEnvironment());
          const handshake = createServerHandshake(method, new SingleRing(credential), new ScriptedEnvironment(undefined, [], "server"), {
            saltFilter: undefined,
          });
          const upward = up.map((length, i) => noise(length, `up ${i}`));
          const request = client.sealRequest(destination, upward[0] as Buffer);
          const stream = accepted(handshake.push(request, 0, request.length));
          assert.deepEqual(stream.target, destination);
          const sealed = Buffer.concat(upward.slice(1).map((bytes) => pushAll(client.sealer, bytes)));
          const cuts = seeds.map((seed) => seed % (sealed.length + 1)).sort((a, b) => a - b);
          const rest = pushPieces(stream.opener, sealed, cuts);
          assert.ok(typeof rest !== "number");
          assert.ok(Buffer.concat([stream.payload, rest]).equals(Buffer.concat(upward)));

          const downward = down.map((length, i) => noise(length, `down ${i}`));
          const answer = downward.map((bytes) => pushAll(stream.sealer, bytes));
          assert.ok(Buffer.concat(answer.map((bytes) => pushAll(client.opener, bytes))).equals(Buffer.concat(downward)));
          assert.equal(client.opener.atBoundary && stream.opener.atBoundary, true);
        }),
        { numRuns: 12 },
      );
    });

    it("carries packets both ways", () => {
      const payloads = fc.tuple(fc.constantFrom(...TARGETS), fc.constantFrom(0, 1, 512, 1400, 0x3fff, 0x4000, 65_000));
      const ring = new SingleRing(credential);
      const client = createClientPacketCodec(credential, new ScriptedEnvironment());
      const server = createServerPacketCodec(method, new ScriptedEnvironment(undefined, [], "server"), { saltFilter: undefined });
      fc.assert(
        fc.property(payloads, ([destination, length]) => {
          const payload = noise(length, `${length}`);
          const opened = server.open(client.seal(destination, payload), ring);
          assert.ok(opened.ok);
          assert.deepEqual(opened.target, destination);
          assert.ok(opened.payload.equals(payload));
          const answer = client.open(server.seal(opened.key, opened.session, destination, payload));
          assert.ok(answer.ok);
          assert.deepEqual(answer.source, destination);
          assert.ok(answer.payload.equals(payload));
        }),
        { numRuns: 20 },
      );
    });

    it("takes junk of every length without an exception", () => {
      const server = createServerPacketCodec(method, new ScriptedEnvironment(), { saltFilter: undefined });
      const client = createClientPacketCodec(credential, new ScriptedEnvironment());
      for (let length = 0; length <= 300; length += 1) {
        const junk = noise(length, `junk ${length}`);
        assert.equal(typeof server.open(junk, new SingleRing(credential)).ok, "boolean");
        assert.equal(typeof client.open(junk).ok, "boolean");
        const handshake = createServerHandshake(method, new SingleRing(credential), new ScriptedEnvironment(), { saltFilter: undefined });
        const outcome = handshake.push(junk, 0, junk.length);
        if (method.kind !== "stream") assert.notEqual(outcome?.ok, true);
        const { opener } = createClientStream(credential, new ScriptedEnvironment());
        assert.ok(opener.push(junk, 0, junk.length, Buffer.alloc(opener.bound(junk.length)), 0) <= junk.length);
      }
    });
  });
}
