import assert from "node:assert/strict";
import { type PseudoRandom, ScriptedEnvironment } from "@shadowfleet/testkit";
import { addressFrom, createClientPacketCodec, createServerPacketCodec } from "@shadowfleet/wire";
import type { FuzzTarget } from "../harness/target.ts";
import { payloadBytes, pick } from "../models/addresses.ts";
import { perhapsDamaged } from "../models/delivery.ts";
import { LEGACY_PORTS, type NamedKey, SIP004_PORTS, SIP022_PORTS, SIP023_PORTS, type TestPort } from "../models/keys.ts";
import { addressedPacket, PACKET_OUTCOMES, readPacket, sealPacket, sip022Packet, somePackets } from "../models/packets.ts";
import { CountingFilter } from "../models/server-stream.ts";

const TARGET = addressFrom("192.0.2.9", 53)!;
const ECHO_AT = 25;

/** A server that holds the key sends a client of ours what it likes. */
function answerTarget(
  name: string,
  ports: readonly TestPort[],
  generate: (random: PseudoRandom) => Buffer,
  reaches: readonly string[],
): FuzzTarget {
  return {
    name,
    reaches,
    unit: 3_000,
    generate: (random) => somePackets(generate, random),
    execute(parts, random) {
      const port = pick(ports, random);
      const env = new ScriptedEnvironment({ seed: random.below(0x1_0000) });
      const client = createClientPacketCodec(port.client, env);
      const server = createServerPacketCodec<NamedKey>(port.method, env, { saltFilter: new CountingFilter() });
      const payload = payloadBytes(random).subarray(0, 1_500);
      const request = server.open(client.seal(TARGET, payload), port.ring);
      assert.ok(request.ok && request.payload.equals(payload), "an honest request is accepted");
      assert.deepEqual(request.target, TARGET);
      const echo = Buffer.from(request.session?.clientSessionId ?? "", "hex");
      const ids = new Set<string>();
      let last = "ok, nothing";
      for (const part of parts) {
        const hasEcho = echo.length > 0 && part.length >= ECHO_AT && random.below(16) > 0;
        const plain = hasEcho ? Buffer.concat([part.subarray(0, ECHO_AT), echo, part.subarray(ECHO_AT)]) : part;
        const { bytes, isDamaged } = perhapsDamaged(sealPacket(port.key.credential, undefined, plain, random), random);
        const opened = client.open(Buffer.from(bytes));
        last = opened.ok ? "ok" : opened.failure;
        if (!opened.ok) continue;
        const said = readPacket(plain, port.method.kind, echo.length > 0 ? echo : undefined);
        if (!isDamaged || port.method.kind !== "stream") {
          assert.deepEqual(opened.source, said?.address, "the address that was sent");
          assert.ok(opened.payload.equals(said?.payload ?? Buffer.alloc(0)), "the payload that was sent");
        }
        if (echo.length > 0) assert.ok(said && !ids.has(said.id), "one packet id gets in once");
        ids.add(said?.id ?? "");
      }
      // SIP022: a second server session within a minute is taken for a forgery, whoever came first.
      if (echo.length > 0 && ids.size > 0) return last;
      const honest = client.open(server.seal(request.key, request.session, TARGET, payload));
      assert.ok(honest.ok && honest.payload.equals(payload), "whatever was refused before, an honest answer is accepted");
      assert.deepEqual(honest.source, TARGET);
      return last;
    },
  };
}

export const packetAnswers: readonly FuzzTarget[] = [
  answerTarget("sip004-packet-answer", SIP004_PORTS, addressedPacket, PACKET_OUTCOMES.sip004),
  answerTarget("sip022-packet-answer", [...SIP022_PORTS, ...SIP023_PORTS], (random) => sip022Packet(1, random), PACKET_OUTCOMES.sip022),
  answerTarget("legacy-packet-answer", LEGACY_PORTS, addressedPacket, PACKET_OUTCOMES.legacy),
];
