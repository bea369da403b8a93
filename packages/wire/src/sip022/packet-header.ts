import { addressLength, readAddress, type TargetAddress, writeAddress } from "../address.ts";
import { SHORTEST_ADDRESS } from "../addressed-payload.ts";
import type { WireFailure } from "../failure.ts";
import { passingBuffer } from "../garbage.ts";
import { isTimely, TIMESTAMP_LENGTH, writeTimestamp } from "./timestamp.ts";

const TYPE_CLIENT_PACKET = 0;
const TYPE_SERVER_PACKET = 1;
const TYPE_LENGTH = 1;
const PADDING_LENGTH_LENGTH = 2;
const PACKET_ID_LENGTH = 8;

export const SESSION_ID_LENGTH = 8;

/**
 * What every packet begins with in the clear (SIP022 §3.2.2); the AES methods send it as one block of its own:
 *
 *     +------------+-----------+
 *     | session id | packet id |
 *     +------------+-----------+
 *     | 8 B        | u64be     |
 *     +------------+-----------+
 */
export const SEPARATE_HEADER_LENGTH = SESSION_ID_LENGTH + PACKET_ID_LENGTH;

/**
 * The main header (SIP022 §3.2.3); the client session id is in the server's packets only:
 *
 *     +------+-----------+-------------------+----------------+----------+------+----------+-------+
 *     | type | timestamp | client session id | padding length | padding  | ATYP | address  | port  |
 *     +------+-----------+-------------------+----------------+----------+------+----------+-------+
 *     | 0/1  | u64be     | 8 B               | u16be          | variable | 1 B  | variable | u16be |
 *     +------+-----------+-------------------+----------------+----------+------+----------+-------+
 */
const mainHeaderLength = (echoLength: number): number => TYPE_LENGTH + TIMESTAMP_LENGTH + echoLength + PADDING_LENGTH_LENGTH;

/** Fewest bytes of a client's packet in the clear: both headers, no padding, the shortest address, no payload. */
export const SHORTEST_REQUEST = SEPARATE_HEADER_LENGTH + mainHeaderLength(0) + SHORTEST_ADDRESS;

/** Fewest bytes of a server's packet in the clear. */
export const SHORTEST_ANSWER = SEPARATE_HEADER_LENGTH + mainHeaderLength(SESSION_ID_LENGTH) + SHORTEST_ADDRESS;

/** Reads the u32 halves of the packet id: see SlidingWindow. */
export const packetIdHigh = (plain: Buffer): number => plain.readUInt32BE(SESSION_ID_LENGTH);
export const packetIdLow = (plain: Buffer): number => plain.readUInt32BE(SESSION_ID_LENGTH + 4);

/** Who sends a packet: one session of one side, which counts its packets from 0. */
export interface PacketOrigin {
  readonly sessionId: Buffer;
  /** Advanced by `composePacket`. 2^53 packets are out of reach. */
  nextPacketId: number;
}

/**
 * A packet in the clear: session id ‖ packet id ‖ main header ‖ payload, without padding: its length follows the payload's anyway.
 * `echo`: the client session id in a server's packet, undefined in a client's.
 */
export function composePacket(
  origin: PacketOrigin,
  unixSeconds: number,
  echo: Buffer | undefined,
  address: TargetAddress,
  payload: Buffer,
): Buffer {
  const headerLength = SEPARATE_HEADER_LENGTH + mainHeaderLength(echo?.length ?? 0) + addressLength(address);
  const plain = passingBuffer(headerLength + payload.length);
  origin.sessionId.copy(plain);
  const packetId = origin.nextPacketId;
  origin.nextPacketId += 1;
  plain.writeUInt32BE(Math.floor(packetId / 2 ** 32), SESSION_ID_LENGTH);
  plain.writeUInt32BE(packetId % 2 ** 32, SESSION_ID_LENGTH + 4);
  let at = plain.writeUInt8(echo === undefined ? TYPE_CLIENT_PACKET : TYPE_SERVER_PACKET, SEPARATE_HEADER_LENGTH);
  writeTimestamp(plain, at, unixSeconds);
  at += TIMESTAMP_LENGTH;
  if (echo !== undefined) at += echo.copy(plain, at);
  at = plain.writeUInt16BE(0, at);
  at = writeAddress(address, plain, at);
  payload.copy(plain, at);
  return plain;
}

export type MainHeader =
  | { readonly ok: true; readonly address: TargetAddress; readonly payloadAt: number }
  | { readonly ok: false; readonly failure: WireFailure };

const BAD_HEADER: MainHeader = { ok: false, failure: "BAD_HEADER" };
const BAD_TIMESTAMP: MainHeader = { ok: false, failure: "BAD_TIMESTAMP" };
const BAD_ADDRESS: MainHeader = { ok: false, failure: "BAD_ADDRESS" };

/**
 * Reads the main header of an authenticated packet of at least SHORTEST_REQUEST (or, with `echo`, SHORTEST_ANSWER) bytes. `echo`: the
 * client's own session id when a server's packet is expected, undefined when a client's is. Padding may be as long as the packet.
 */
export function readMainHeader(plain: Buffer, unixSeconds: number, echo: Buffer | undefined): MainHeader {
  let at = SEPARATE_HEADER_LENGTH;
  if (plain[at] !== (echo === undefined ? TYPE_CLIENT_PACKET : TYPE_SERVER_PACKET)) return BAD_HEADER;
  at += TYPE_LENGTH;
  if (!isTimely(plain, at, unixSeconds)) return BAD_TIMESTAMP;
  at += TIMESTAMP_LENGTH;
  if (echo !== undefined) {
    if (echo.compare(plain, at, at + SESSION_ID_LENGTH) !== 0) return BAD_HEADER;
    at += SESSION_ID_LENGTH;
  }
  at += PADDING_LENGTH_LENGTH + plain.readUInt16BE(at);
  if (at >= plain.length) return BAD_HEADER;
  const address = readAddress(plain, at, plain.length);
  return address.ok ? { ok: true, address: address.target, payloadAt: address.next } : BAD_ADDRESS;
}
