import type { TargetAddress } from "./address.ts";
import type { WireFailure } from "./failure.ts";
import type { KeyRing, ServerKey } from "./stream.ts";

/** SIP022 §3.2: what the server keeps for one client session (separate header, subkeys, sliding window, packet ids). Opaque to services. */
export interface ServerPacketSession {
  /** The client's session id, 16 lower-case hex digits: the NAT key. */
  readonly clientSessionId: string;
}

export interface OpenedRequest<K extends ServerKey> {
  readonly ok: true;
  readonly key: K;
  readonly target: TargetAddress;
  /** Plaintext payload; owned by the receiver, may be empty. */
  readonly payload: Buffer;
  /** SIP022 only: NAT goes by this session, not by the client's address, so that roaming works. Undefined for SIP004 and stream methods. */
  readonly session: ServerPacketSession | undefined;
}

export interface RefusedPacket {
  readonly ok: false;
  readonly failure: WireFailure;
}

/** UDP as the server (udp-relay) sees it; one per listening port. No datagram of any content or length makes it throw. */
export interface ServerPacketCodec<K extends ServerKey> {
  /**
   * Opens one datagram from a client with the ring of that client's address. SIP022: authentication and timestamp are checked before
   * window or session table are touched.
   */
  open(datagram: Buffer, ring: KeyRing<K>): OpenedRequest<K> | RefusedPacket;
  /** Seals an answer from `source` for the client that `key` (and `session`) belong to. The result is owned by the receiver. */
  seal(key: K, session: ServerPacketSession | undefined, source: TargetAddress, payload: Buffer): Buffer;
  /** Forgets a session when its NAT entry ends. */
  release(session: ServerPacketSession): void;
}

export interface OpenedAnswer {
  readonly ok: true;
  /** Who the datagram came from, as the relay saw it. */
  readonly source: TargetAddress;
  readonly payload: Buffer;
}

/** UDP as the client (gateway) sees it; one per association, since SIP022 counts packets per session. */
export interface ClientPacketCodec {
  seal(target: TargetAddress, payload: Buffer): Buffer;
  open(datagram: Buffer): OpenedAnswer | RefusedPacket;
}
