import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OpenedRequest, RefusedPacket } from "../../src/packet.ts";
import { createSip022ClientPackets } from "../../src/sip022/client-packets.ts";
import { createSip022ServerPackets } from "../../src/sip022/server-packets.ts";
import { credentialOf, flipped, IdentityRing, keyNamed, methodNamed, NOW, ScriptedEnvironment, type TestKey, target } from "./fixtures.ts";
import { SESSION_ID } from "./forge.ts";

const RESOLVER = target("8.8.8.8", 53);
const DATA = Buffer.from("data");

function opened(outcome: OpenedRequest<TestKey> | RefusedPacket): OpenedRequest<TestKey> {
  assert.ok(outcome.ok, `opened, not ${JSON.stringify(outcome)}`);
  return outcome;
}

describe("SIP022 client sessions and keys", () => {
  const method = methodNamed("2022-blake3-aes-128-gcm");
  const identityKey = keyNamed(method, "iPSK");
  const alice = credentialOf(method, keyNamed(method, "alice"), [identityKey]);
  const mallory = credentialOf(method, keyNamed(method, "mallory"), [identityKey]);
  const ring = new IdentityRing(identityKey, { alice, mallory });
  const clientOf = (credential: typeof alice, sessionId = SESSION_ID) =>
    createSip022ClientPackets(credential, new ScriptedEnvironment(NOW, [sessionId.toString("hex")]));

  it("belong to the key that opened them", () => {
    const codec = createSip022ServerPackets<TestKey>(method, new ScriptedEnvironment());
    const client = clientOf(alice);
    const first = opened(codec.open(client.seal(RESOLVER, DATA), ring));
    assert.equal(first.key.name, "alice");
    const thief = clientOf(mallory);
    for (let i = 0; i < 5; i += 1) {
      assert.deepEqual(codec.open(thief.seal(RESOLVER, DATA), ring), { ok: false, failure: "AUTH_FAILED" });
    }
    const second = opened(codec.open(client.seal(RESOLVER, DATA), ring));
    assert.equal(second.session, first.session);
    const answer = codec.seal(second.key, second.session, RESOLVER, DATA);
    assert.equal(client.open(answer).ok, true);
    assert.equal(thief.open(answer).ok, false);
  });

  it("cannot be charged to another user by its owner", () => {
    const codec = createSip022ServerPackets<TestKey>(method, new ScriptedEnvironment());
    opened(codec.open(clientOf(mallory).seal(RESOLVER, DATA), ring));
    const impostor = clientOf({ ...mallory, identityHash: alice.identityHash });
    impostor.seal(RESOLVER, DATA);
    assert.deepEqual(codec.open(impostor.seal(RESOLVER, DATA), ring), { ok: false, failure: "AUTH_FAILED" });
  });

  it("survive a reload that brings new objects for the same keys", () => {
    const codec = createSip022ServerPackets<TestKey>(method, new ScriptedEnvironment());
    const client = clientOf(alice);
    const first = opened(codec.open(client.seal(RESOLVER, DATA), ring));
    const reloaded = new IdentityRing(Buffer.from(identityKey), { alice: { ...alice, key: Buffer.from(alice.key) } });
    const second = opened(codec.open(client.seal(RESOLVER, DATA), reloaded));
    assert.equal(second.session, first.session);
    assert.notEqual(second.key, first.key);
  });

  it("end when the table is full, the longest unseen first", () => {
    const env = new ScriptedEnvironment();
    const codec = createSip022ServerPackets<TestKey>(method, env, { maxSessions: 4 });
    const client = (n: number) => clientOf(alice, Buffer.alloc(8, n));
    const busy = client(1);
    const session = opened(codec.open(busy.seal(RESOLVER, DATA), ring)).session;
    const idle = client(2).seal(RESOLVER, DATA);
    opened(codec.open(idle, ring));
    for (let n = 3; n < 20; n += 1) {
      env.now += 1;
      opened(codec.open(client(n).seal(RESOLVER, DATA), ring));
      assert.equal(opened(codec.open(busy.seal(RESOLVER, DATA), ring)).session, session);
    }
    env.now = NOW;
    assert.equal(codec.open(idle, ring).ok, true, "the idle session was pushed out");
  });

  it("are not opened by junk, by late packets or by strangers", () => {
    const env = new ScriptedEnvironment();
    const codec = createSip022ServerPackets<TestKey>(method, env, { maxSessions: 1 });
    const client = clientOf(alice);
    const { session } = opened(codec.open(client.seal(RESOLVER, DATA), ring));
    const junk = Buffer.alloc(200);
    for (let i = 0; i < 50; i += 1) {
      env.random(junk);
      codec.open(junk, ring);
    }
    env.now = NOW + 40;
    codec.open(clientOf(alice, Buffer.alloc(8, 9)).seal(RESOLVER, DATA), ring);
    env.now = NOW;
    const stranger = credentialOf(method, keyNamed(method, "stranger"), [identityKey]);
    codec.open(clientOf(stranger, Buffer.alloc(8, 9)).seal(RESOLVER, DATA), ring);
    assert.equal(opened(codec.open(client.seal(RESOLVER, DATA), ring)).session, session, "the only place is still taken by the client");
  });

  it("is refused with any byte changed, identity header included", () => {
    const packet = clientOf(alice).seal(RESOLVER, DATA);
    for (let at = 0; at < packet.length; at += 1) {
      const codec = createSip022ServerPackets<TestKey>(method, new ScriptedEnvironment());
      assert.deepEqual(codec.open(flipped(packet, at), ring), { ok: false, failure: "AUTH_FAILED" }, `byte ${at}`);
    }
  });

  it("is refused at any shorter length", () => {
    const packet = clientOf(alice).seal(RESOLVER, DATA);
    for (let length = 0; length < packet.length; length += 1) {
      const codec = createSip022ServerPackets<TestKey>(method, new ScriptedEnvironment());
      assert.equal(codec.open(packet.subarray(0, length), ring).ok, false, `${length} bytes`);
    }
  });

  it("is refused by a port that has no key", () => {
    const empty = { candidates: () => [], found: () => undefined, single: undefined, identityKey: undefined, byIdentity: () => undefined };
    const codec = createSip022ServerPackets<TestKey>(method, new ScriptedEnvironment());
    assert.deepEqual(codec.open(clientOf(alice).seal(RESOLVER, DATA), empty), { ok: false, failure: "AUTH_FAILED" });
  });
});
