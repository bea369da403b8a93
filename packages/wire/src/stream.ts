import type { TargetAddress } from "./address.ts";
import type { Aead, ChunkVerdict } from "./aead/aead-contract.ts";
import type { Credential } from "./credential.ts";
import type { WireFailure } from "./failure.ts";

/** What `StreamTransform.push` returns once the stream is unusable. */
export const FAILED = -1;

/**
 * One direction of one TCP stream, sealing or opening. Called once per socket read: no allocation but what `node:crypto` forces.
 * An implementation keeps only a partial chunk between calls.
 */
export interface StreamTransform {
  /** The most bytes `push` writes for `length` more input bytes, given what is held back now. */
  bound(length: number): number;
  /**
   * Consumes the whole of src[start, end) and writes its result to dst from dstStart on; dst has `bound(end - start)` bytes of room there
   * and does not overlap src. Returns the bytes written (0 when a chunk is still incomplete), or FAILED, then and ever after.
   */
  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number;
  /** Why `push` returned FAILED. */
  readonly failure: WireFailure | undefined;
  /** False while a chunk is partly received: an end of stream now means truncation. */
  readonly atBoundary: boolean;
  /** Once nothing but chunks is left: their state, for whoever can go on with them by itself. */
  readonly chunks?: ChunkStream | undefined;
}

/** Where a stream of chunks stands (SIP004; SIP022 §3.1): { seal(n, length) ‖ seal(n + 1, payload) }*. */
export interface ChunkStream {
  readonly seals: boolean;
  readonly aead: Aead;
  /** Longest payload of a chunk. */
  readonly maxChunk: number;
  /** Of the next message. Whoever goes on with the stream writes what it has become before `resume`. */
  readonly nonce: Buffer;
  /** Opening: length of the payload message that comes next, or AWAITING_LENGTH. */
  readonly payloadLength: number;
  /** Opening: the beginning of a message whose rest has not arrived; valid until something is pushed. */
  readonly partial: Buffer;
  /** Takes the stream back. `partial` is copied. A verdict other than "ok": it cannot go on. */
  resume(payloadLength: number, partial: Buffer, verdict: ChunkVerdict): void;
}

/** A TCP stream as the client (gateway) sees it. */
export interface ClientStream {
  /**
   * Salt, headers, target address and the first payload, to be sent in exactly one write (SIP022 §3.1). Call once, first.
   * `payload` may be empty and is consumed whole, however long.
   */
  sealRequest(target: TargetAddress, payload: Buffer): Buffer;
  /** Client to server, everything after the request. */
  readonly sealer: StreamTransform;
  /** Server to client, from the salt on. Checks the SIP022 response header (type, timestamp, request salt). */
  readonly opener: StreamTransform;
}

/** A key a listening port knows. Services extend it with what they need to find the person again. */
export interface ServerKey {
  readonly credential: Credential;
}

/** The keys of one port, as wire code asks for them. All have the port's method. */
export interface KeyRing<K extends ServerKey> {
  /** SIP004: the keys to try, likeliest first. The ring may stop early when a CPU budget is used up. */
  candidates(): Iterable<K>;
  /** Whether `candidates` last stopped before it had offered every key. */
  readonly cutShort?: boolean;
  /** SIP004 and single-key SIP022: told which key opened bytes that are no replay, so that it is tried first next time. */
  found(key: K): void;
  /** SIP022 single-key port: its key. Undefined when identity headers name the key. */
  readonly single: K | undefined;
  /** SIP023: the port's own iPSK, to open the identity header with. Undefined on single-key ports. */
  readonly identityKey: Buffer | undefined;
  /** SIP023: the key whose `identityHash` equals the 16 bytes at hash[at, at + 16). */
  byIdentity(hash: Buffer, at: number): K | undefined;
}

/** Remembers salts. Asked only after authentication, so unauthenticated junk never fills it. */
export interface SaltFilter {
  /** True and remembered when new, false when seen before: one atomic step. The salt is copied if kept. */
  admit(salt: Buffer, unixSeconds: number): boolean;
}

export interface AcceptedStream<K extends ServerKey> {
  readonly ok: true;
  readonly key: K;
  readonly target: TargetAddress;
  /** Plaintext that arrived with the header; may be empty. Owned by the receiver. */
  readonly payload: Buffer;
  /** The request salt; owned by the receiver. For a second, shared replay filter. */
  readonly salt: Buffer;
  /** Client to server, after `payload`. */
  readonly opener: StreamTransform;
  /** Server to client; its first `push` writes salt and response header. */
  readonly sealer: StreamTransform;
}

export interface RefusedStream {
  readonly ok: false;
  readonly failure: WireFailure;
}

/** The opening of one TCP stream as the server sees it. */
export interface ServerHandshake<K extends ServerKey> {
  /** Takes what one socket read brought. Undefined: more is needed. After an outcome it is not called again. */
  push(src: Buffer, start: number, end: number): AcceptedStream<K> | RefusedStream | undefined;
}

export interface ServerStreamOptions {
  /** Undefined: no replay check. */
  readonly saltFilter: SaltFilter | undefined;
  /** SIP022 §3.1.2: accept a salt and fixed header that arrive in several reads (behind proxies that re-segment). Default false. */
  readonly allowSegmentedHeader?: boolean;
}
