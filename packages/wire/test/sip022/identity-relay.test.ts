import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Credential } from "../../src/credential.ts";
import { identityHash } from "../../src/kdf/blake3.ts";
import { blockCipherOf } from "../../src/sip022/block-cipher.ts";
import { createSip022ClientPackets } from "../../src/sip022/client-packets.ts";
import { createSip022ClientStream } from "../../src/sip022/client-stream.ts";
import { openPacketIdentity, openStreamIdentity } from "../../src/sip022/identity-header.ts";
import { createSip022ServerHandshake } from "../../src/sip022/server-handshake.ts";
import { createSip022ServerPackets } from "../../src/sip022/server-packets.ts";
import {
  AES_128,
  AES_256,
  accepted,
  credentialOf,
  IdentityRing,
  keyNamed,
  methodNamed,
  pushAll,
  ScriptedEnvironment,
  type TestKey,
  target,
} from "./fixtures.ts";

const EXAMPLE = target("example.com", 443);

/** SIP023's relay: takes off its own identity header, which must name the next key. */
function relayStream(own: Buffer, next: Buffer, saltLength: number, request: Buffer): Buffer {
  const salt = request.subarray(0, saltLength);
  const hash = Buffer.alloc(16);
  openStreamIdentity(own, salt, request, saltLength, hash);
  assert.deepEqual(hash, identityHash(next));
  return Buffer.concat([salt, request.subarray(saltLength + 16)]);
}

/** SIP023's relay: takes off its own identity header and hides the separate header under the next key. */
function relayPacket(own: Buffer, next: Buffer, packet: Buffer): Buffer {
  const header = Buffer.alloc(16);
  const hash = Buffer.alloc(16);
  blockCipherOf(own).decrypt(packet, 0, header, 0);
  openPacketIdentity(own, header, packet, 16, hash);
  assert.deepEqual(hash, identityHash(next));
  const onward = Buffer.from(packet.subarray(16));
  blockCipherOf(next).encrypt(header, 0, onward, 0);
  return onward;
}

for (const name of [AES_128, AES_256]) {
  const method = methodNamed(name);
  const relayKey = keyNamed(method, "relay iPSK");
  const serverKey = keyNamed(method, "server iPSK");
  const user: Credential = credentialOf(method, keyNamed(method, "user"));
  const client = credentialOf(method, user.key, [relayKey, serverKey]);
  const ring = new IdentityRing(serverKey, { user });

  describe(`${name} through a relay that reads identity headers`, () => {
    it("carries a stream", () => {
      const stream = createSip022ClientStream(client, new ScriptedEnvironment());
      const request = relayStream(relayKey, serverKey, method.saltLength, stream.sealRequest(EXAMPLE, Buffer.from("hello")));
      const env = new ScriptedEnvironment(undefined, [], "server");
      const outcome = createSip022ServerHandshake(method, ring, env, { saltFilter: undefined }).push(request, 0, request.length);
      const served = accepted(outcome);
      assert.equal(served.key.name, "user");
      assert.equal(served.payload.toString(), "hello");
      assert.equal(pushAll(stream.opener, pushAll(served.sealer, Buffer.from("answer"))).toString(), "answer");
      assert.equal(pushAll(served.opener, pushAll(stream.sealer, Buffer.from("more"))).toString(), "more");
    });

    it("carries packets, whose identity headers never repeat", () => {
      const packets = createSip022ClientPackets(client, new ScriptedEnvironment());
      const server = createSip022ServerPackets<TestKey>(method, new ScriptedEnvironment(undefined, [], "server"));
      const headers = new Set<string>();
      for (let i = 0; i < 20; i += 1) {
        const packet = packets.seal(EXAMPLE, Buffer.from(`query ${i}`));
        for (const at of [0, 16, 32]) headers.add(packet.toString("hex", at, at + 16));
        const request = server.open(relayPacket(relayKey, serverKey, packet), ring);
        assert.ok(request.ok);
        assert.equal(request.payload.toString(), `query ${i}`);
        const answer = packets.open(server.seal(request.key, request.session, EXAMPLE, Buffer.from(`answer ${i}`)));
        assert.ok(answer.ok);
        assert.equal(answer.payload.toString(), `answer ${i}`);
      }
      assert.equal(headers.size, 60);
    });

    it("is refused by the server when the relay's header is still on", () => {
      const request = createSip022ClientStream(client, new ScriptedEnvironment()).sealRequest(EXAMPLE, Buffer.from("hello"));
      const handshake = createSip022ServerHandshake(method, ring, new ScriptedEnvironment(), { saltFilter: undefined });
      assert.deepEqual(handshake.push(request, 0, request.length), { ok: false, failure: "AUTH_FAILED" });
      const packet = createSip022ClientPackets(client, new ScriptedEnvironment()).seal(EXAMPLE, Buffer.from("hello"));
      const server = createSip022ServerPackets<TestKey>(method, new ScriptedEnvironment());
      assert.deepEqual(server.open(packet, ring), { ok: false, failure: "AUTH_FAILED" });
    });
  });
}
