import { type Aead, createAead, TAG_LENGTH } from "../aead/aead.ts";
import type { Credential } from "../credential.ts";
import type { WireEnvironment } from "../environment.ts";
import { passingBuffer } from "../garbage.ts";
import type { Method } from "../method.ts";
import { blockCipherOf } from "./block-cipher.ts";
import { IDENTITY_HEADER_LENGTH, writePacketIdentity } from "./identity-header.ts";
import { SEPARATE_HEADER_LENGTH, SESSION_ID_LENGTH } from "./packet-header.ts";
import { sessionAead } from "./session-aead.ts";

/**
 * How a method protects a datagram whose clear form is session id ‖ packet id ‖ main header ‖ payload. The two constructions of SIP022 differ
 * in when a packet is authenticated: AES reveals the session id first and opens the body with that session's key, ChaCha opens all at once.
 */
export interface PacketScheme {
  /** Bytes a datagram is longer than its clear form, identity headers aside. */
  readonly overhead: number;
  /** The key of the session that `plain` begins with, to be kept with the session. */
  sessionAead(key: Buffer, plain: Buffer): Aead;
  /** Fills at least the separate header of `plain`. False: not authentic. True says nothing until `authenticate` agrees. */
  reveal(headerKey: Buffer, datagram: Buffer, plain: Buffer): boolean;
  /** Fills the rest of `plain`, which is behind `identityLength` bytes of identity header. False: not authentic. */
  authenticate(aead: Aead, datagram: Buffer, identityLength: number, plain: Buffer): boolean;
  /** The datagram for `plain`. `identity`: whose identity headers to carry and whose outermost key hides the separate header. */
  seal(key: Buffer, identity: Credential | undefined, aead: Aead, plain: Buffer, env: WireEnvironment): Buffer;
}

const NONCE_OFFSET = 4;
const nonce = Buffer.alloc(SEPARATE_HEADER_LENGTH - NONCE_OFFSET);

/** SIP022 §3.2.1: AES-ECB(key, separate header) ‖ identity headers ‖ seal(subkey(uPSK, session id), separate header[4..16], body). */
class AesScheme implements PacketScheme {
  readonly overhead = TAG_LENGTH;
  readonly #method: Method;

  constructor(method: Method) {
    this.#method = method;
  }

  sessionAead(key: Buffer, plain: Buffer): Aead {
    return sessionAead(this.#method, key, plain.subarray(0, SESSION_ID_LENGTH));
  }

  reveal(headerKey: Buffer, datagram: Buffer, plain: Buffer): boolean {
    blockCipherOf(headerKey).decrypt(datagram, 0, plain, 0);
    return true;
  }

  authenticate(aead: Aead, datagram: Buffer, identityLength: number, plain: Buffer): boolean {
    plain.copy(nonce, 0, NONCE_OFFSET, SEPARATE_HEADER_LENGTH);
    return aead.open(nonce, datagram, SEPARATE_HEADER_LENGTH + identityLength, datagram.length, plain, SEPARATE_HEADER_LENGTH);
  }

  seal(key: Buffer, identity: Credential | undefined, aead: Aead, plain: Buffer): Buffer {
    const identityKeys = identity?.identityKeys ?? [];
    const datagram = passingBuffer(plain.length + identityKeys.length * IDENTITY_HEADER_LENGTH + TAG_LENGTH);
    blockCipherOf(identityKeys[0] ?? key).encrypt(plain, 0, datagram, 0);
    let at = SEPARATE_HEADER_LENGTH;
    if (identity !== undefined) at = writePacketIdentity(identity, plain, datagram, at);
    plain.copy(nonce, 0, NONCE_OFFSET, SEPARATE_HEADER_LENGTH);
    aead.seal(nonce, plain, SEPARATE_HEADER_LENGTH, plain.length, datagram, at);
    return datagram;
  }
}

const XNONCE_LENGTH = 24;
const xnonce = Buffer.alloc(XNONCE_LENGTH);
const xaeads = new WeakMap<Buffer, Aead>();

/** The XChaCha20-Poly1305 of a long-lived key, made once per key buffer. */
function xaeadOf(key: Buffer): Aead {
  let aead = xaeads.get(key);
  if (aead === undefined) {
    aead = createAead("xchacha20-poly1305", key);
    xaeads.set(key, aead);
  }
  return aead;
}

/** SIP022 §4.1: nonce ‖ seal(PSK, nonce, separate header ‖ body), the nonce random. There are no identity headers and no session keys. */
class ChachaScheme implements PacketScheme {
  readonly overhead = XNONCE_LENGTH + TAG_LENGTH;

  sessionAead(key: Buffer): Aead {
    return xaeadOf(key);
  }

  reveal(headerKey: Buffer, datagram: Buffer, plain: Buffer): boolean {
    datagram.copy(xnonce, 0, 0, XNONCE_LENGTH);
    return xaeadOf(headerKey).open(xnonce, datagram, XNONCE_LENGTH, datagram.length, plain, 0);
  }

  authenticate(): boolean {
    return true;
  }

  seal(_key: Buffer, _identity: Credential | undefined, aead: Aead, plain: Buffer, env: WireEnvironment): Buffer {
    const datagram = passingBuffer(XNONCE_LENGTH + plain.length + TAG_LENGTH);
    env.random(xnonce);
    xnonce.copy(datagram);
    aead.seal(xnonce, plain, 0, plain.length, datagram, XNONCE_LENGTH);
    return datagram;
  }
}

/** The construction of a SIP022 method: only the AES methods have identity headers and a separate header. */
export function packetScheme(method: Method): PacketScheme {
  return method.identityHeaders ? new AesScheme(method) : new ChachaScheme();
}
