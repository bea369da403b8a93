import { ChunkSealer } from "../../src/aead/chunk-sealer.ts";
import type { Credential } from "../../src/credential.ts";
import { packetScheme } from "../../src/sip022/packet-scheme.ts";
import { createSip022ServerHandshake } from "../../src/sip022/server-handshake.ts";
import { sessionAead } from "../../src/sip022/session-aead.ts";
import type { AcceptedStream } from "../../src/stream.ts";
import { accepted, NOW, ScriptedEnvironment, SingleRing, type TestKey } from "./fixtures.ts";

/** u64be, any value. */
export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** 192.0.2.1:443 */
export const ADDRESS = Buffer.from("01c000020101bb", "hex");

export interface RequestParts {
  readonly salt?: Buffer;
  readonly type?: number;
  readonly timestamp?: number | bigint;
  /** As the fixed header gives it; that of `variable` unless told. */
  readonly length?: number;
  readonly variable?: Buffer;
}

/** A correctly sealed request with any content. */
export function forgeRequest(credential: Credential, parts: RequestParts = {}): Buffer {
  const { method, key } = credential;
  const { salt = Buffer.alloc(method.saltLength, 0x5a), type = 0, timestamp = NOW } = parts;
  const { variable = Buffer.concat([ADDRESS, u16(0), Buffer.from("data")]), length = variable.length } = parts;
  const sealer = new ChunkSealer(sessionAead(method, key, salt), method.maxChunk);
  return Buffer.concat([salt, sealed(sealer, Buffer.concat([Buffer.of(type), u64(timestamp), u16(length)])), sealed(sealer, variable)]);
}

export interface ResponseParts {
  readonly salt?: Buffer;
  readonly type?: number;
  readonly timestamp?: number | bigint;
  readonly length?: number;
  readonly payload?: Buffer;
}

/** A correctly sealed response with any content. */
export function forgeResponse(credential: Credential, requestSalt: Buffer, parts: ResponseParts = {}): Buffer {
  const { method, key } = credential;
  const { salt = Buffer.alloc(method.saltLength, 0xa5), type = 1, timestamp = NOW, payload = Buffer.from("answer") } = parts;
  const header = Buffer.concat([Buffer.of(type), u64(timestamp), requestSalt, u16(parts.length ?? payload.length)]);
  const sealer = new ChunkSealer(sessionAead(method, key, salt), method.maxChunk);
  return Buffer.concat([salt, sealed(sealer, header), sealed(sealer, payload)]);
}

function sealed(sealer: ChunkSealer, plain: Buffer): Buffer {
  const out = Buffer.alloc(plain.length + 16);
  sealer.sealMessage(plain, 0, plain.length, out, 0);
  return out;
}

/** What a server with this key makes of a request that it must accept. */
export function acceptRequest(credential: Credential, request: Buffer, env = new ScriptedEnvironment()): AcceptedStream<TestKey> {
  const handshake = createSip022ServerHandshake(credential.method, new SingleRing(credential), env, { saltFilter: undefined });
  return accepted(handshake.push(request, 0, request.length));
}

export interface PacketParts {
  readonly sessionId?: Buffer;
  readonly packetId?: number | bigint;
  readonly type?: number;
  readonly timestamp?: number | bigint;
  /** The client session id in a server's packet. */
  readonly echo?: Buffer;
  /** Everything behind the timestamp and, in a server's packet, the client session id. */
  readonly rest?: Buffer;
}

export const SESSION_ID = Buffer.from("0102030405060708", "hex");

/** A correctly sealed packet, without identity headers, with any content. */
export function forgePacket(credential: Credential, parts: PacketParts = {}): Buffer {
  const { sessionId = SESSION_ID, packetId = 0, type = parts.echo === undefined ? 0 : 1, timestamp = NOW } = parts;
  const { echo = Buffer.alloc(0), rest = Buffer.concat([u16(0), ADDRESS, Buffer.from("data")]) } = parts;
  const plain = Buffer.concat([sessionId, u64(packetId), Buffer.of(type), u64(timestamp), echo, rest]);
  const scheme = packetScheme(credential.method);
  return scheme.seal(credential.key, undefined, scheme.sessionAead(credential.key, plain), plain, new ScriptedEnvironment());
}

/** The session id that a packet without identity headers goes under. */
export function sessionIdOf(credential: Credential, packet: Buffer): Buffer {
  const plain = Buffer.alloc(packet.length);
  packetScheme(credential.method).reveal(credential.key, packet, plain);
  return plain.subarray(0, SESSION_ID.length);
}
