import { type PseudoRandom, ScriptedEnvironment } from "@shadowfleet/testkit";
import { type Credential, readAddress, type TargetAddress } from "@shadowfleet/wire";
import { createSubkeyAead } from "../../../packages/wire/src/aead/aead.ts";
import { createLegacyCipher } from "../../../packages/wire/src/legacy/cipher.ts";
import { aeadAlgorithm } from "../../../packages/wire/src/sip004/algorithm.ts";
import { firstNonce } from "../../../packages/wire/src/sip004/key-search.ts";
import { packetScheme } from "../../../packages/wire/src/sip022/packet-scheme.ts";
import { addressBytes, payloadBytes, pick } from "./addresses.ts";
import { NOW } from "./keys.ts";

const SEPARATE_HEADER = 16;
const TAG = 16;

/** The datagram that carries exactly this plaintext. `identity`: SIP023, whose identity headers it has. */
export function sealPacket(credential: Credential, identity: Credential | undefined, plain: Buffer, random: PseudoRandom): Buffer {
  const { method, key } = credential;
  if (method.kind === "aead-2022") {
    if (plain.length < SEPARATE_HEADER) return plain;
    const scheme = packetScheme(method);
    const env = new ScriptedEnvironment({ seed: random.below(0x1_0000_0000) });
    return scheme.seal(key, identity, scheme.sessionAead(key, plain), plain, env);
  }
  const salt = random.bytes(method.saltLength);
  const wire = Buffer.alloc(salt.length + plain.length + (method.kind === "aead" ? TAG : 0));
  salt.copy(wire);
  if (method.kind === "stream") createLegacyCipher(method, key, salt, "seal").apply(plain, 0, plain.length, wire, salt.length);
  else {
    const aead = createSubkeyAead(aeadAlgorithm(method), key, salt);
    aead.seal(firstNonce(aead), plain, 0, plain.length, wire, salt.length);
  }
  return wire;
}

/** Address and payload, which is all that SIP004 and the stream methods have. */
export function addressedPacket(random: PseudoRandom): Buffer {
  return Buffer.concat([addressBytes(random), payloadBytes(random).subarray(0, 1_500)]);
}

const SESSIONS = ["session1", "session2", "\0\0\0\0\0\0\0\0"];

/** SIP022 in the clear; `echoLength` bytes after the timestamp are left for the client's session id. */
export function sip022Packet(type: 0 | 1, random: PseudoRandom): Buffer {
  const header = Buffer.alloc(SEPARATE_HEADER + 9);
  header.write(pick(SESSIONS, random), "latin1");
  header.writeBigUInt64BE(random.below(8) === 0 ? 0xffff_ffff_ffff_ffffn : BigInt(random.below(40)), 8);
  header[SEPARATE_HEADER] = type;
  header.writeBigUInt64BE(BigInt(NOW + random.below(61) - 30), SEPARATE_HEADER + 1);
  const padding = Buffer.alloc(2 + (random.below(3) === 0 ? random.below(200) : 0));
  padding.writeUInt16BE(padding.length - 2);
  return Buffer.concat([header, padding, addressedPacket(random)]);
}

/** Where a packet in the clear goes, and what it carries; undefined when it is not one that a server (or client, with `echo`) accepts. */
export function readPacket(
  plain: Buffer,
  kind: Credential["method"]["kind"],
  echo?: Buffer,
): { readonly address: TargetAddress; readonly payload: Buffer; readonly id: string } | undefined {
  let at = 0;
  let id = "";
  if (kind === "aead-2022") {
    const echoLength = echo?.length ?? 0;
    if (plain.length < SEPARATE_HEADER + 9 + echoLength + 2) return undefined;
    id = plain.toString("hex", 0, SEPARATE_HEADER);
    const skew = plain.readBigUInt64BE(SEPARATE_HEADER + 1) - BigInt(NOW);
    if (plain[SEPARATE_HEADER] !== (echo ? 1 : 0) || skew > 30n || skew < -30n) return undefined;
    at = SEPARATE_HEADER + 9 + echoLength;
    if (echo && !plain.subarray(at - echoLength, at).equals(echo)) return undefined;
    at += 2 + plain.readUInt16BE(at);
    if (at > plain.length) return undefined;
  }
  const address = readAddress(plain, at, plain.length);
  return address.ok ? { address: address.target, payload: plain.subarray(address.next), id } : undefined;
}

/** What opening one packet after another has to come to, by kind of port, in requests and answers alike. */
export const PACKET_OUTCOMES = {
  sip004: ["ok", "AUTH_FAILED", "TOO_SHORT", "BAD_ADDRESS"],
  sip022: ["ok", "AUTH_FAILED", "TOO_SHORT", "BAD_HEADER", "BAD_TIMESTAMP", "BAD_ADDRESS", "REPLAYED"],
  legacy: ["ok", "TOO_SHORT", "BAD_ADDRESS", "BAD_HEADER"],
} as const;

/** One to four packets' plaintexts. */
export function somePackets(generate: (random: PseudoRandom) => Buffer, random: PseudoRandom): Buffer[] {
  return Array.from({ length: 1 + random.below(4) }, () => generate(random));
}
