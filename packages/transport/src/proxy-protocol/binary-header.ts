import { addressFrom } from "@shadowfleet/wire";
import { plainAddress } from "../connection.ts";
import { crc32c } from "./crc32c.ts";
import type { ProxyHeader } from "./header-reader.ts";

// PROXY protocol 2.2: signature (12), version and command, family and transport, length of what follows (2), addresses, TLVs.
const COMMAND_AT = 12;
const FAMILY_AT = 13;
const LENGTH_AT = 14;
const ADDRESSES_AT = 16;
/** Above this a header is refused: what proxies write is some hundred bytes, and it has to be kept until it is whole. */
const LONGEST = 4096 - ADDRESSES_AT;

const LOCAL = 0x20;
const PROXY = 0x21;
const UNSPECIFIED = 0x00;
const TCP4 = 0x11;
const TCP6 = 0x21;
const UNIX_STREAM = 0x31;
/** Address length in bytes; both ports, where there are some, follow. */
const IPV4_LENGTH = 4;
const IPV6_LENGTH = 16;
const UNIX_BLOCK = 216;

const TLV_CRC32C = 0x03;
const CRC_LENGTH = 4;

/** Length of what follows the fixed part (16 bytes, all there). Undefined: no version 2, a command or family it does not have, or too long. */
export function readBinaryLength(fixed: Buffer): number | undefined {
  const command = fixed[COMMAND_AT];
  const length = fixed.readUInt16BE(LENGTH_AT);
  if (length > LONGEST || (command !== LOCAL && command !== PROXY)) return undefined;
  const needed = command === LOCAL ? 0 : addressBlock(fixed[FAMILY_AT]!);
  return needed === undefined || length < needed ? undefined : length;
}

/** A whole header whose fixed part `readBinaryLength` has let pass. Undefined where its TLVs or its checksum are wrong. */
export function parseBinaryHeader(bytes: Buffer): ProxyHeader | undefined {
  const family = bytes[FAMILY_AT]!;
  if (bytes[COMMAND_AT] === LOCAL || family === UNSPECIFIED) return { client: undefined };
  if (!areTlvsValid(bytes, ADDRESSES_AT + addressBlock(family)!)) return undefined;
  if (family === UNIX_STREAM) return { client: undefined };
  const length = family === TCP4 ? IPV4_LENGTH : IPV6_LENGTH;
  const source = bytes.subarray(ADDRESSES_AT, ADDRESSES_AT + length);
  const text = family === TCP4 ? source.join(".") : ipv6Text(source);
  return { client: { host: plainAddress(text), port: bytes.readUInt16BE(ADDRESSES_AT + 2 * length) } };
}

/** Bytes of addresses and ports; undefined for a family that no TCP connection comes from. */
function addressBlock(family: number): number | undefined {
  if (family === TCP4) return 2 * IPV4_LENGTH + 4;
  if (family === TCP6) return 2 * IPV6_LENGTH + 4;
  if (family === UNIX_STREAM) return UNIX_BLOCK;
  return family === UNSPECIFIED ? 0 : undefined;
}

function ipv6Text(address: Buffer): string {
  const groups = address.toString("hex").match(/.{4}/g)!;
  return addressFrom(groups.join(":"), 0)!.host;
}

/** They are skipped but for the checksum, which covers the whole header with itself as zeros (2.2.3). */
function areTlvsValid(bytes: Buffer, start: number): boolean {
  let at = start;
  while (at < bytes.length) {
    if (at + 3 > bytes.length) return false;
    const value = at + 3;
    const end = value + bytes.readUInt16BE(at + 1);
    if (end > bytes.length) return false;
    if (bytes[at] === TLV_CRC32C && !isChecksumRight(bytes, value, end)) return false;
    at = end;
  }
  return true;
}

function isChecksumRight(bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== CRC_LENGTH) return false;
  const blank = Buffer.from(bytes).fill(0, start, end);
  return crc32c(blank) === bytes.readUInt32BE(start);
}
