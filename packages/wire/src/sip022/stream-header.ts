import { addressLength, readAddress, type TargetAddress, writeAddress } from "../address.ts";
import type { WireFailure } from "../failure.ts";
import { shortCopy } from "../short-copy.ts";
import { isTimely, TIMESTAMP_LENGTH, writeTimestamp } from "./timestamp.ts";

const TYPE_CLIENT_STREAM = 0;
const TYPE_SERVER_STREAM = 1;
const TYPE_LENGTH = 1;
const LENGTH_LENGTH = 2;
const PADDING_LENGTH_LENGTH = 2;

/** Most padding a request header may carry (SIP022 §3.1.3). */
export const MAX_PADDING = 900;

/**
 * The fixed header of a request (SIP022 §3.1.3), one AEAD message:
 *
 *     +------+-----------+--------+
 *     | type | timestamp | length |    length: of the variable header, without its tag
 *     +------+-----------+--------+
 *     | 0    | u64be     | u16be  |
 *     +------+-----------+--------+
 */
export const REQUEST_HEADER_LENGTH = TYPE_LENGTH + TIMESTAMP_LENGTH + LENGTH_LENGTH;

/**
 * The header of a response (SIP022 §3.1.3), one AEAD message; it announces the first payload as a length chunk would:
 *
 *     +------+-----------+--------------+--------+
 *     | type | timestamp | request salt | length |
 *     +------+-----------+--------------+--------+
 *     | 1    | u64be     | 16 or 32 B   | u16be  |
 *     +------+-----------+--------------+--------+
 */
export function responseHeaderLength(saltLength: number): number {
  return TYPE_LENGTH + TIMESTAMP_LENGTH + saltLength + LENGTH_LENGTH;
}

/** Writes REQUEST_HEADER_LENGTH bytes to the start of `dst`. */
export function writeRequestHeader(dst: Buffer, unixSeconds: number, length: number): void {
  dst[0] = TYPE_CLIENT_STREAM;
  writeTimestamp(dst, TYPE_LENGTH, unixSeconds);
  dst.writeUInt16BE(length, TYPE_LENGTH + TIMESTAMP_LENGTH);
}

/** Checks type and time of the request header at the start of `src`. */
export function checkRequestHeader(src: Buffer, unixSeconds: number): WireFailure | undefined {
  if (src[0] !== TYPE_CLIENT_STREAM) return "BAD_HEADER";
  return isTimely(src, TYPE_LENGTH, unixSeconds) ? undefined : "BAD_TIMESTAMP";
}

/** Length of the variable header, from the request header at the start of `src`. */
export function variableHeaderLength(src: Buffer): number {
  return src.readUInt16BE(TYPE_LENGTH + TIMESTAMP_LENGTH);
}

/** Writes responseHeaderLength(requestSalt.length) bytes to the start of `dst`. */
export function writeResponseHeader(dst: Buffer, unixSeconds: number, requestSalt: Buffer, length: number): void {
  dst[0] = TYPE_SERVER_STREAM;
  writeTimestamp(dst, TYPE_LENGTH, unixSeconds);
  const lengthAt = shortCopy(requestSalt, 0, requestSalt.length, dst, TYPE_LENGTH + TIMESTAMP_LENGTH);
  dst.writeUInt16BE(length, lengthAt);
}

/** Checks the response header at the start of `src`: type, time, that it answers `requestSalt`, and that a payload follows. */
export function checkResponseHeader(src: Buffer, unixSeconds: number, requestSalt: Buffer): WireFailure | undefined {
  if (src[0] !== TYPE_SERVER_STREAM) return "BAD_HEADER";
  if (!isTimely(src, TYPE_LENGTH, unixSeconds)) return "BAD_TIMESTAMP";
  const saltAt = TYPE_LENGTH + TIMESTAMP_LENGTH;
  if (requestSalt.compare(src, saltAt, saltAt + requestSalt.length) !== 0) return "BAD_HEADER";
  return firstPayloadLength(src, requestSalt.length) === 0 ? "BAD_HEADER" : undefined;
}

/** Length of the first payload, from the response header at the start of `src`. */
export function firstPayloadLength(src: Buffer, saltLength: number): number {
  return src.readUInt16BE(TYPE_LENGTH + TIMESTAMP_LENGTH + saltLength);
}

/**
 * The variable header of a request (SIP022 §3.1.3), one AEAD message:
 *
 *     +------+----------+-------+----------------+----------+-----------------+
 *     | ATYP | address  | port  | padding length | padding  | initial payload |
 *     +------+----------+-------+----------------+----------+-----------------+
 *     | 1 B  | variable | u16be | u16be          | 0..900 B | rest of message |
 *     +------+----------+-------+----------------+----------+-----------------+
 *
 * Bytes in front of the initial payload.
 */
export function initialPayloadOffset(target: TargetAddress, padding: number): number {
  return addressLength(target) + PADDING_LENGTH_LENGTH + padding;
}

/** Writes everything in front of the initial payload to the start of `dst`, whose padding bytes are left as they are. */
export function writeVariableHeader(dst: Buffer, target: TargetAddress, padding: number): void {
  dst.writeUInt16BE(padding, writeAddress(target, dst, 0));
}

export type VariableHeader =
  | { readonly ok: true; readonly target: TargetAddress; readonly payloadAt: number }
  | { readonly ok: false; readonly failure: WireFailure };

const BAD_HEADER: VariableHeader = { ok: false, failure: "BAD_HEADER" };
const BAD_ADDRESS: VariableHeader = { ok: false, failure: "BAD_ADDRESS" };

/** Reads the variable header src[0, end). Refuses padding beyond MAX_PADDING or `end`, and a header with neither padding nor payload. */
export function readVariableHeader(src: Buffer, end: number): VariableHeader {
  const address = readAddress(src, 0, end);
  if (!address.ok) return BAD_ADDRESS;
  if (address.next + PADDING_LENGTH_LENGTH > end) return BAD_HEADER;
  const padding = src.readUInt16BE(address.next);
  const payloadAt = address.next + PADDING_LENGTH_LENGTH + padding;
  if (padding > MAX_PADDING || payloadAt > end) return BAD_HEADER;
  if (padding === 0 && payloadAt === end) return BAD_HEADER;
  return { ok: true, target: address.target, payloadAt };
}
