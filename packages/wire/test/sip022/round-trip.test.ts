import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { TargetAddress } from "../../src/address.ts";
import { createSip022ClientPackets } from "../../src/sip022/client-packets.ts";
import { createSip022ClientStream } from "../../src/sip022/client-stream.ts";
import { createSip022ServerHandshake } from "../../src/sip022/server-handshake.ts";
import { createSip022ServerPackets } from "../../src/sip022/server-packets.ts";
import { FAILED, type KeyRing } from "../../src/stream.ts";
import {
  accepted,
  credentialOf,
  IdentityRing,
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

const TARGETS = [target("192.0.2.7", 1), target("2001:db8::1", 65_535), target("a", 0), target(`${"x".repeat(250)}.test`, 443)];
const SIZES = [0, 1, 65_535, 65_536, 200_000];

const bytes = (length: number, seed: string): Buffer => {
  const data = Buffer.alloc(length);
  new ScriptedEnvironment(NOW, [], seed).random(data);
  return data;
};

interface Setting {
  readonly title: string;
  readonly ring: KeyRing<TestKey>;
  readonly client: ReturnType<typeof credentialOf>;
}

const settings: readonly Setting[] = METHOD_NAMES.flatMap((name) => {
  const method = methodNamed(name);
  const user = credentialOf(method, keyNamed(method, "user"));
  const single = { title: name, ring: new SingleRing(user), client: user };
  if (!method.identityHeaders) return [single];
  const identityKey = keyNamed(method, "iPSK");
  const ring = new IdentityRing(identityKey, { user });
  return [single, { title: `${name} with an identity header`, ring, client: credentialOf(method, user.key, [identityKey]) }];
});

const targets = fc.constantFrom<TargetAddress>(...TARGETS);
const cutsOf = (length: number) => fc.array(fc.nat(length), { maxLength: 6 }).map((cuts) => cuts.sort((a, b) => a - b));

for (const { title, ring, client } of settings) {
  describe(`${title} round trip`, () => {
    const streamOf = (seed: string) => createSip022ClientStream(client, new ScriptedEnvironment(NOW, [], seed));
    const handshakeOf = () =>
      createSip022ServerHandshake(client.method, ring, new ScriptedEnvironment(NOW, [], "server"), {
        saltFilter: undefined,
        allowSegmentedHeader: true,
      });

    it("streams payloads of every size, with the request, after it and back", () => {
      for (const first of SIZES) {
        for (const second of SIZES) {
          const stream = streamOf(`${first}`);
          const up = [bytes(first, "first"), bytes(second, "second")] as const;
          const request = stream.sealRequest(TARGETS[0] as TargetAddress, up[0]);
          const served = accepted(handshakeOf().push(request, 0, request.length));
          assert.ok(served.payload.equals(up[0]), `${first} bytes with the request`);
          assert.ok(pushAll(served.opener, pushAll(stream.sealer, up[1])).equals(up[1]), `${second} bytes after it`);
          const down = Buffer.concat([pushAll(served.sealer, up[1]), pushAll(served.sealer, up[0])]);
          assert.ok(pushAll(stream.opener, down).equals(Buffer.concat([up[1], up[0]])), `${second} and ${first} bytes back`);
          assert.ok(served.opener.atBoundary && stream.opener.atBoundary);
        }
      }
    });

    it("streams any payload in any reads", () => {
      const property = fc.property(targets, fc.nat(70_000), fc.nat(3000), fc.gen(), (address, first, second, gen) => {
        const stream = streamOf("property");
        const payload = bytes(first, "up");
        const request = stream.sealRequest(address, payload);
        const handshake = handshakeOf();
        const cuts = [...gen(cutsOf, request.length), request.length];
        let outcome: ReturnType<typeof handshake.push>;
        let at = 0;
        for (const cut of cuts) {
          if (outcome === undefined) {
            outcome = handshake.push(request, at, cut);
            at = cut;
          }
        }
        const served = accepted(outcome);
        const rest = pushPieces(served.opener, request.subarray(at));
        assert.notEqual(rest, FAILED);
        assert.deepEqual(served.target, address);
        assert.ok(Buffer.concat([served.payload, rest as Buffer]).equals(payload));

        const answer = bytes(second + 1, "down");
        const response = pushAll(served.sealer, answer);
        const head = Math.min(response.length, 120);
        const pieces = gen(cutsOf, response.length).map((cut) => Math.max(head, cut));
        const received = pushPieces(stream.opener, response, pieces);
        assert.notEqual(received, FAILED);
        assert.ok((received as Buffer).equals(answer));
      });
      fc.assert(property, { numRuns: 60 });
    });

    it("carries packets of any size, in any order", () => {
      const property = fc.property(targets, fc.array(fc.nat(3000), { minLength: 1, maxLength: 12 }), fc.gen(), (address, sizes, gen) => {
        const packets = createSip022ClientPackets(client, new ScriptedEnvironment(NOW, [], "client"));
        const server = createSip022ServerPackets<TestKey>(client.method, new ScriptedEnvironment(NOW, [], "server"));
        const sent = sizes.map((size, i) => {
          const payload = bytes(size, `${i}`);
          return { payload, packet: packets.seal(address, payload) };
        });
        for (const { payload, packet } of gen(() => fc.shuffledSubarray(sent, { minLength: sent.length }))) {
          const request = server.open(packet, ring);
          assert.ok(request.ok);
          assert.deepEqual(request.target, address);
          assert.ok(request.payload.equals(payload));
          const answer = packets.open(server.seal(request.key, request.session, address, payload));
          assert.ok(answer.ok);
          assert.deepEqual(answer.source, address);
          assert.ok(answer.payload.equals(payload));
        }
      });
      fc.assert(property, { numRuns: 40 });
    });

    it("carries the largest datagrams", () => {
      const packets = createSip022ClientPackets(client, new ScriptedEnvironment(NOW, [], "client"));
      const server = createSip022ServerPackets<TestKey>(client.method, new ScriptedEnvironment(NOW, [], "server"));
      for (const size of [0, 1, 1400, 65_507]) {
        const payload = bytes(size, "datagram");
        const request = server.open(packets.seal(TARGETS[1] as TargetAddress, payload), ring);
        assert.ok(request.ok);
        assert.ok(request.payload.equals(payload), `${size} bytes`);
      }
    });
  });
}
