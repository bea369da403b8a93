import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WINDOW_WIDTH } from "../../src/replay/sliding-window.ts";
import { createSip022ClientPackets } from "../../src/sip022/client-packets.ts";
import { createSip022ServerPackets } from "../../src/sip022/server-packets.ts";
import {
  credentialOf,
  flipped,
  keyNamed,
  METHOD_NAMES,
  methodNamed,
  NOW,
  ScriptedEnvironment,
  SingleRing,
  type TestKey,
  target,
} from "./fixtures.ts";
import { ADDRESS, forgePacket, type PacketParts, SESSION_ID, u16 } from "./forge.ts";

const RESOLVER = target("8.8.8.8", 53);
const DATA = Buffer.from("data");

for (const name of METHOD_NAMES) {
  const method = methodNamed(name);
  const credential = credentialOf(method, keyNamed(method, "psk"));

  /** A client whose session id is SESSION_ID, with its clock. */
  const clientOf = () => {
    const env = new ScriptedEnvironment(NOW, [SESSION_ID.toString("hex")]);
    const codec = createSip022ClientPackets(credential, env);
    const answer = (parts: PacketParts): Buffer =>
      forgePacket(credential, { echo: SESSION_ID, sessionId: Buffer.alloc(8, 0xa0), timestamp: env.now, ...parts });
    const failureOf = (parts: PacketParts): string | undefined => {
      const outcome = codec.open(answer(parts));
      return outcome.ok ? undefined : outcome.failure;
    };
    return { env, codec, answer, failureOf };
  };

  describe(`${name} packet from a server`, () => {
    it("is accepted up to 30 s off either way and refused beyond", () => {
      for (const skew of [-30, 0, 30]) assert.equal(clientOf().failureOf({ timestamp: NOW + skew }), undefined, `${skew} s`);
      for (const skew of [-31, 31]) assert.equal(clientOf().failureOf({ timestamp: NOW + skew }), "BAD_TIMESTAMP", `${skew} s`);
    });

    it("is refused with a type other than 1, the client's own packets among them", () => {
      for (const type of [0, 2, 255]) assert.equal(clientOf().failureOf({ type }), "BAD_HEADER", `type ${type}`);
      const { codec } = clientOf();
      assert.deepEqual(codec.open(codec.seal(RESOLVER, Buffer.alloc(20))), { ok: false, failure: "BAD_HEADER" });
    });

    it("is refused when it answers another client session", () => {
      for (let at = 0; at < 8; at += 1) assert.equal(clientOf().failureOf({ echo: flipped(SESSION_ID, at) }), "BAD_HEADER");
    });

    it("is refused when padding or address do not fit", () => {
      assert.equal(clientOf().failureOf({ rest: Buffer.concat([u16(50), ADDRESS, DATA]) }), "BAD_HEADER");
      assert.equal(clientOf().failureOf({ rest: Buffer.concat([u16(0), Buffer.of(7), ADDRESS]) }), "BAD_ADDRESS");
      assert.equal(clientOf().failureOf({ rest: Buffer.concat([u16(40), Buffer.alloc(40), ADDRESS]) }), undefined);
    });

    it("is refused the second time, and beyond the window", () => {
      const { failureOf } = clientOf();
      assert.equal(failureOf({ packetId: 7 }), undefined);
      assert.equal(failureOf({ packetId: 7 }), "REPLAYED");
      assert.equal(failureOf({ packetId: WINDOW_WIDTH + 7 }), undefined);
      assert.equal(failureOf({ packetId: 7 }), "REPLAYED");
      assert.equal(failureOf({ packetId: 6 }), "REPLAYED");
      assert.equal(failureOf({ packetId: 8 }), undefined);
    });

    it("does not move the window unless it is accepted", () => {
      const { codec, answer, failureOf } = clientOf();
      assert.equal(failureOf({ packetId: 1 }), undefined);
      const far = answer({ packetId: 2n ** 40n });
      for (let at = 0; at < far.length; at += 1) assert.equal(codec.open(flipped(far, at)).ok, false);
      assert.equal(failureOf({ packetId: 2n ** 40n, timestamp: NOW + 31 }), "BAD_TIMESTAMP");
      assert.equal(failureOf({ packetId: 2 }), undefined);
    });

    it("may come from two server sessions at a time, each with its own window", () => {
      const { failureOf, env } = clientOf();
      const [before, after, third] = [1, 2, 3].map((n) => Buffer.alloc(8, n)) as [Buffer, Buffer, Buffer];
      assert.equal(failureOf({ sessionId: before, packetId: 0 }), undefined);
      assert.equal(failureOf({ sessionId: after, packetId: 0 }), undefined, "the server restarted");
      assert.equal(failureOf({ sessionId: before, packetId: 0 }), "REPLAYED");
      assert.equal(failureOf({ sessionId: before, packetId: 1 }), undefined, "still on its way");
      assert.equal(failureOf({ sessionId: third, packetId: 0 }), "REPLAYED", "a third one within a minute");
      env.now += 60;
      assert.equal(failureOf({ sessionId: after, packetId: 1 }), undefined);
      assert.equal(failureOf({ sessionId: third, packetId: 0 }), "REPLAYED", "the old one was heard of 60 s ago");
      env.now += 1;
      assert.equal(failureOf({ sessionId: third, packetId: 0 }), undefined, "the old one has been silent for more");
      assert.equal(failureOf({ sessionId: after, packetId: 1 }), "REPLAYED", "the current one keeps its window");
      assert.equal(failureOf({ sessionId: before, packetId: 2 }), "REPLAYED", "and the old one has lost its place");
    });

    it("takes no place for a server session unless it is accepted", () => {
      const { codec, answer, failureOf } = clientOf();
      for (let n = 10; n < 20; n += 1) {
        const packet = answer({ sessionId: Buffer.alloc(8, n) });
        assert.equal(codec.open(flipped(packet, packet.length - 1)).ok, false);
        assert.equal(failureOf({ sessionId: Buffer.alloc(8, n), timestamp: NOW - 31 }), "BAD_TIMESTAMP");
      }
      assert.equal(failureOf({ sessionId: Buffer.alloc(8, 1) }), undefined);
      assert.equal(failureOf({ sessionId: Buffer.alloc(8, 2) }), undefined);
    });

    it("is refused with any byte changed", () => {
      const packet = clientOf().answer({});
      for (let at = 0; at < packet.length; at += 1) {
        for (const mask of [0x01, 0x80]) {
          assert.deepEqual(clientOf().codec.open(flipped(packet, at, mask)), { ok: false, failure: "AUTH_FAILED" }, `byte ${at}`);
        }
      }
    });

    it("is refused at any shorter length", () => {
      const packet = clientOf().answer({});
      for (let length = 0; length < packet.length; length += 1) {
        const outcome = clientOf().codec.open(packet.subarray(0, length));
        assert.ok(!outcome.ok);
        assert.ok(outcome.failure === "TOO_SHORT" || outcome.failure === "AUTH_FAILED", `${length} bytes: ${outcome.failure}`);
      }
    });

    it("never makes it throw when it is random", () => {
      const { codec, env } = clientOf();
      for (let length = 0; length < 600; length += 1) {
        const datagram = Buffer.alloc(length);
        env.random(datagram);
        assert.equal(codec.open(datagram).ok, false);
      }
    });
  });

  describe(`${name} packets of a client`, () => {
    it("count from 0 under one random session id, without padding", () => {
      const ring = new SingleRing(credential);
      const server = createSip022ServerPackets<TestKey>(method, new ScriptedEnvironment());
      const { codec } = clientOf();
      const overhead = name === "2022-blake3-chacha20-poly1305" ? 24 + 16 : 16;
      for (let i = 0; i < 300; i += 1) {
        const packet = codec.seal(RESOLVER, DATA);
        assert.equal(packet.length, overhead + 8 + 8 + 1 + 8 + 2 + 7 + DATA.length);
        const request = server.open(packet, ring);
        assert.ok(request.ok);
        assert.equal(request.session?.clientSessionId, "0102030405060708");
        assert.deepEqual(server.open(packet, ring), { ok: false, failure: "REPLAYED" });
      }
      assert.deepEqual(server.open(forgePacket(credential, { packetId: 299 }), ring), { ok: false, failure: "REPLAYED" });
      assert.equal(server.open(forgePacket(credential, { packetId: 300 }), ring).ok, true);
    });
  });
}
