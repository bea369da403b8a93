import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OpenedRequest, RefusedPacket, ServerPacketCodec } from "../../src/packet.ts";
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
import { ADDRESS, forgePacket, type PacketParts, SESSION_ID, sessionIdOf, u16 } from "./forge.ts";

const RESOLVER = target("8.8.8.8", 53);
const DATA = Buffer.from("data");

function opened(outcome: OpenedRequest<TestKey> | RefusedPacket): OpenedRequest<TestKey> {
  assert.ok(outcome.ok, `opened, not ${JSON.stringify(outcome)}`);
  return outcome;
}

for (const name of METHOD_NAMES) {
  const method = methodNamed(name);
  const credential = credentialOf(method, keyNamed(method, "psk"));
  const ring = new SingleRing(credential);

  /** A server with one clock and the outcome of its next packet. */
  const serverOf = (env = new ScriptedEnvironment()) => {
    const codec: ServerPacketCodec<TestKey> = createSip022ServerPackets<TestKey>(method, env);
    const open = (datagram: Buffer) => codec.open(datagram, ring);
    const failureOf = (parts: PacketParts): string | undefined => {
      const outcome = open(forgePacket(credential, parts));
      return outcome.ok ? undefined : outcome.failure;
    };
    return { codec, open, failureOf, env };
  };

  describe(`${name} packet from a client`, () => {
    it("is accepted up to 30 s off either way and refused beyond", () => {
      for (const skew of [-30, 0, 30]) assert.equal(serverOf().failureOf({ timestamp: NOW + skew }), undefined, `${skew} s`);
      for (const skew of [-31, 31]) assert.equal(serverOf().failureOf({ timestamp: NOW + skew }), "BAD_TIMESTAMP", `${skew} s`);
      assert.equal(serverOf().failureOf({ timestamp: 2n ** 64n - 1n }), "BAD_TIMESTAMP");
    });

    it("is refused with a type other than 0", () => {
      for (const type of [1, 2, 255]) assert.equal(serverOf().failureOf({ type }), "BAD_HEADER", `type ${type}`);
    });

    it("is accepted with any padding that fits, and with no payload", () => {
      for (const [padding, payload] of [
        [0, ""],
        [1, "x"],
        [900, "x"],
        [30_000, ""],
      ] as const) {
        const rest = Buffer.concat([u16(padding), Buffer.alloc(padding), ADDRESS, Buffer.from(payload)]);
        const request = opened(serverOf().open(forgePacket(credential, { rest })));
        assert.equal(request.payload.toString(), payload);
        assert.deepEqual(request.target, target("192.0.2.1", 443));
      }
    });

    it("is refused when padding or address do not fit", () => {
      const cases: readonly (readonly [string, Buffer, string])[] = [
        ["padding beyond the packet", Buffer.concat([u16(50), ADDRESS, DATA]), "BAD_HEADER"],
        ["padding to the end", Buffer.concat([u16(11), ADDRESS, DATA]), "BAD_HEADER"],
        ["an address cut short", Buffer.concat([u16(6), ADDRESS, DATA]), "BAD_ADDRESS"],
        ["an unknown address type", Buffer.concat([u16(0), Buffer.of(7), ADDRESS, DATA]), "BAD_ADDRESS"],
      ];
      for (const [what, rest, failure] of cases) assert.equal(serverOf().failureOf({ rest }), failure, what);
    });

    it("is refused the second time, and beyond the window", () => {
      const { failureOf } = serverOf();
      assert.equal(failureOf({ packetId: 0 }), undefined);
      assert.equal(failureOf({ packetId: 0 }), "REPLAYED");
      assert.equal(failureOf({ packetId: WINDOW_WIDTH + 5 }), undefined);
      assert.equal(failureOf({ packetId: 5 }), "REPLAYED", "too old");
      assert.equal(failureOf({ packetId: 6 }), undefined, "just within");
      assert.equal(failureOf({ packetId: 6 }), "REPLAYED");
      assert.equal(failureOf({ packetId: 2n ** 64n - 1n }), undefined);
      assert.equal(failureOf({ packetId: WINDOW_WIDTH + 6 }), "REPLAYED");
    });

    it("does not move the window unless it is authentic, timely and well-formed", () => {
      const { open, failureOf } = serverOf();
      assert.equal(failureOf({ packetId: 1 }), undefined);
      const far = 2n ** 40n;
      const good = forgePacket(credential, { packetId: far });
      for (let at = 0; at < good.length; at += 1) assert.equal(open(flipped(good, at)).ok, false);
      assert.equal(failureOf({ packetId: far, timestamp: NOW - 31 }), "BAD_TIMESTAMP");
      assert.equal(failureOf({ packetId: far, type: 1 }), "BAD_HEADER");
      assert.equal(failureOf({ packetId: far, rest: Buffer.concat([u16(0), Buffer.of(7), ADDRESS]) }), "BAD_ADDRESS");
      assert.equal(failureOf({ packetId: 2 }), undefined, "the window is where it was");
      assert.equal(failureOf({ packetId: far }), undefined, "the id was not used up");
    });

    it("is refused with any byte changed", () => {
      const good = forgePacket(credential);
      for (let at = 0; at < good.length; at += 1) {
        for (const mask of [0x01, 0x80]) {
          assert.deepEqual(serverOf().open(flipped(good, at, mask)), { ok: false, failure: "AUTH_FAILED" }, `byte ${at}`);
        }
      }
    });

    it("is refused at any shorter or longer length", () => {
      const good = forgePacket(credential);
      for (let length = 0; length < good.length; length += 1) {
        const outcome = serverOf().open(good.subarray(0, length));
        assert.ok(!outcome.ok);
        assert.ok(outcome.failure === "TOO_SHORT" || outcome.failure === "AUTH_FAILED", `${length} bytes: ${outcome.failure}`);
      }
      assert.deepEqual(serverOf().open(good.subarray(0, 20)), { ok: false, failure: "TOO_SHORT" });
      assert.deepEqual(serverOf().open(Buffer.concat([good, Buffer.of(0)])), { ok: false, failure: "AUTH_FAILED" });
    });

    it("never throws on random datagrams", () => {
      const { open, env } = serverOf();
      for (let length = 0; length < 600; length += 1) {
        const datagram = Buffer.alloc(length);
        env.random(datagram);
        assert.equal(open(datagram).ok, false);
      }
    });

    it("keeps its session through released and idle times, until nothing of it can be replayed", () => {
      const { codec, open, failureOf, env } = serverOf();
      const late = forgePacket(credential, { packetId: 3, timestamp: NOW + 30 });
      const { session } = opened(open(late));
      assert.ok(session);
      codec.release(session);
      env.now = NOW + 60;
      for (let i = 0; i < 100; i += 1) failureOf({ sessionId: Buffer.alloc(8, 100 + i), timestamp: env.now });
      assert.deepEqual(open(late), { ok: false, failure: "REPLAYED" });
      const again = opened(open(forgePacket(credential, { packetId: 4, timestamp: env.now })));
      assert.equal(again.session, session, "a fresh packet takes the session back into use");
      env.now += 3600;
      for (let i = 0; i < 100; i += 1) failureOf({ sessionId: Buffer.alloc(8, 100 + i), packetId: 1, timestamp: env.now });
      for (let i = 0; i < 100; i += 1) failureOf({ sessionId: Buffer.alloc(8, i), timestamp: env.now });
      const later = opened(open(forgePacket(credential, { packetId: 5, timestamp: env.now })));
      assert.equal(later.session, session, "which then stays until it is released again");
    });

    it("gets a payload that is its own", () => {
      const datagram = forgePacket(credential);
      const { payload } = opened(serverOf().open(datagram));
      datagram.fill(0);
      assert.deepEqual(payload, DATA);
    });
  });

  describe(`${name} answers`, () => {
    it("count packets per client session, each under a session id of the server's own", () => {
      const { codec, open } = serverOf();
      const clients = ["a", "b"].map((seed) => createSip022ClientPackets(credential, new ScriptedEnvironment(NOW, [], seed)));
      const requests = clients.map((client) => opened(open(client.seal(RESOLVER, DATA))));
      assert.notEqual(requests[0]?.session?.clientSessionId, requests[1]?.session?.clientSessionId);
      for (let i = 0; i < 3; i += 1) {
        clients.forEach((client, n) => {
          const request = requests[n] as OpenedRequest<TestKey>;
          const answer = client.open(codec.seal(request.key, request.session, RESOLVER, Buffer.from(`answer ${i}`)));
          assert.ok(answer.ok);
          assert.equal(answer.payload.toString(), `answer ${i}`);
        });
      }
      const foreign = requests[1] as OpenedRequest<TestKey>;
      assert.equal(clients[0]?.open(codec.seal(foreign.key, foreign.session, RESOLVER, DATA)).ok, false);
    });

    it("never go out under the client's own session id", () => {
      const env = new ScriptedEnvironment(NOW, [SESSION_ID.toString("hex")]);
      const codec = createSip022ServerPackets<TestKey>(method, env);
      const request = opened(codec.open(forgePacket(credential), ring));
      const answer = codec.seal(request.key, request.session, RESOLVER, DATA);
      assert.notDeepEqual(sessionIdOf(credential, answer), SESSION_ID);
      const client = createSip022ClientPackets(credential, new ScriptedEnvironment(NOW, [SESSION_ID.toString("hex")]));
      assert.equal(client.open(answer).ok, true);
    });

    it("are no requests", () => {
      const { codec, open } = serverOf();
      const request = opened(open(forgePacket(credential)));
      const answer = codec.seal(request.key, request.session, RESOLVER, DATA);
      assert.deepEqual(open(answer), { ok: false, failure: "BAD_HEADER" });
    });

    it("need the session of the request", () => {
      const { codec } = serverOf();
      assert.throws(() => codec.seal(ring.single, undefined, RESOLVER, DATA), TypeError);
      assert.throws(() => codec.seal(ring.single, { clientSessionId: "0102030405060708" }, RESOLVER, DATA), TypeError);
    });
  });
}
