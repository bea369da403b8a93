import assert from "node:assert/strict";
import { type PseudoRandom, ScriptedEnvironment } from "@shadowfleet/testkit";
import { addressFrom, createServerPacketCodec, type OpenedRequest } from "@shadowfleet/wire";
import type { FuzzTarget } from "../harness/target.ts";
import { pick } from "../models/addresses.ts";
import { perhapsDamaged } from "../models/delivery.ts";
import { LEGACY_PORTS, type NamedKey, SIP004_PORTS, SIP022_PORTS, SIP023_PORTS, type TestPort } from "../models/keys.ts";
import { addressedPacket, PACKET_OUTCOMES, readPacket, sealPacket, sip022Packet, somePackets } from "../models/packets.ts";
import { CountingFilter } from "../models/server-stream.ts";

const SOURCE = addressFrom("2001:db8::1", 53)!;
const LONGEST_ANSWER_OVERHEAD = 200;

/** A client that holds the key sends some datagrams; some come twice, some damaged. */
function packetTarget(
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
      const env = new ScriptedEnvironment({ seed: 1 });
      const codec = createServerPacketCodec<NamedKey>(port.method, env, { saltFilter: new CountingFilter() });
      const ids = new Set<string>();
      let last = "ok, nothing";
      for (const plain of parts) {
        const identity = port.client.identityKeys.length > 0 ? port.client : undefined;
        const { bytes, isDamaged } = perhapsDamaged(sealPacket(port.key.credential, identity, plain, random), random);
        const opened = codec.open(Buffer.from(bytes), port.ring);
        last = opened.ok ? "ok" : opened.failure;
        const said = readPacket(plain, port.method.kind);
        if (!isDamaged && said !== undefined && !opened.ok)
          assert.ok(last === "REPLAYED" || last === "TOO_SHORT", `${last} for a good packet`);
        if (!opened.ok) continue;
        if (!isDamaged || port.method.kind !== "stream") {
          assert.deepEqual(opened.target, said?.address, "the address that was sent");
          assert.ok(opened.payload.equals(said?.payload ?? Buffer.alloc(0)), "the payload that was sent");
        }
        if (opened.session) assert.ok(said && !ids.has(said.id), "one packet id gets in once");
        ids.add(said?.id ?? "");
        const again = codec.open(Buffer.from(bytes), port.ring);
        assert.equal(again.ok ? "ok" : again.failure, "REPLAYED");
        const answer = codec.seal(opened.key, opened.session, SOURCE, opened.payload);
        assert.ok(answer.length >= opened.payload.length && answer.length <= opened.payload.length + LONGEST_ANSWER_OVERHEAD);
        if (opened.session && random.below(4) === 0) codec.release(opened.session);
        checkSession(opened, plain);
      }
      return last;
    },
  };
}

function checkSession({ session }: OpenedRequest<NamedKey>, plain: Buffer): void {
  if (session) assert.equal(session.clientSessionId, plain.toString("hex", 0, 8));
}

export const packetRequests: readonly FuzzTarget[] = [
  packetTarget("sip004-packet", SIP004_PORTS, addressedPacket, PACKET_OUTCOMES.sip004),
  packetTarget("sip022-packet", SIP022_PORTS, (random) => sip022Packet(0, random), PACKET_OUTCOMES.sip022),
  packetTarget("sip023-packet", SIP023_PORTS, (random) => sip022Packet(0, random), PACKET_OUTCOMES.sip022),
  packetTarget("legacy-packet", LEGACY_PORTS, addressedPacket, PACKET_OUTCOMES.legacy),
];
