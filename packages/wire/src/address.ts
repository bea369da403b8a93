import { isUtf8 } from "node:buffer";
import { formatIpv4, formatIpv6, IPV6_GROUPS, NOT_IPV4, parseIpv4, parseIpv6 } from "./ip-literal.ts";

/** Address types of the Shadowsocks and SOCKS5 address format (RFC 1928 §5). */
export const ATYP_IPV4 = 1;
export const ATYP_DOMAIN = 3;
export const ATYP_IPV6 = 4;

/** Where a stream or packet goes, or came from. */
export interface TargetAddress {
  readonly type: typeof ATYP_IPV4 | typeof ATYP_DOMAIN | typeof ATYP_IPV6;
  /** Dotted IPv4, lower-case compressed IPv6 without brackets, or a domain name of 1 to 255 bytes. */
  readonly host: string;
  /** 0 to 65,535. */
  readonly port: number;
}

/** Outcome of `readAddress`. `incomplete`: the bytes so far are the beginning of an address; otherwise no continuation makes them one. */
export type ReadAddressResult =
  | { readonly ok: true; readonly target: TargetAddress; readonly next: number }
  | { readonly ok: false; readonly incomplete: boolean };

const ATYP_LENGTH = 1;
const PORT_LENGTH = 2;
const IPV4_LENGTH = 4;
const IPV6_LENGTH = 16;
const DOMAIN_MAX_LENGTH = 255;
const PORT_MAX = 0xffff;

const INCOMPLETE: ReadAddressResult = Object.freeze({ ok: false, incomplete: true });
const MALFORMED: ReadAddressResult = Object.freeze({ ok: false, incomplete: false });

/** Filled and read within one call only. */
const groups = new Uint16Array(IPV6_GROUPS);

/**
 * An address from text: a literal IPv4 or IPv6 (brackets tolerated) becomes that type in its canonical spelling, anything else a domain.
 * Undefined for a port that is none, an IPv6 literal with a zone, and text that cannot be a host name (see `isDomain`).
 */
export function addressFrom(host: string, port: number): TargetAddress | undefined {
  return Number.isInteger(port) && port >= 0 && port <= PORT_MAX ? targetOf(host, port) : undefined;
}

function targetOf(text: string, port: number): TargetAddress | undefined {
  if (parseIpv4(text) !== NOT_IPV4) return { type: ATYP_IPV4, host: text, port };
  const bracketed = text.startsWith("[") && text.endsWith("]");
  if (bracketed || text.includes(":")) {
    const literal = bracketed ? text.slice(1, -1) : text;
    return parseIpv6(literal, groups) ? { type: ATYP_IPV6, host: formatIpv6(groups), port } : undefined;
  }
  return isDomain(text) ? { type: ATYP_DOMAIN, host: text, port } : undefined;
}

/** Code points below 128 that no host name contains: controls, space, DEL and the delimiters of WHATWG URL §3.2. */
const FORBIDDEN = new Uint8Array(128).fill(1, 0, 0x21);
for (const char of '"#%/:<>?@[\\]^`{|}\x7f') FORBIDDEN[char.charCodeAt(0)] = 1;

/** A last label that `inet_aton` reads as a number. */
const NUMERIC_LABEL = /^(?:[0-9]+|0x[0-9a-f]*)$/i;

/** Whether a text that is no exact IP literal is 1 to 255 bytes of host name. */
function isDomain(text: string): boolean {
  if (text.length === 0 || text.length > DOMAIN_MAX_LENGTH) return false;
  let ascii = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 128) {
      if (FORBIDDEN[code] === 1) return false;
    } else {
      if (code < 0xa0) return false;
      ascii = false;
    }
  }
  if (!ascii && (!text.isWellFormed() || Buffer.byteLength(text) > DOMAIN_MAX_LENGTH)) return false;
  return !endsInNumber(text);
}

/** The resolver reads `127.1`, `0x7f000001` and the like as IPv4, so as a domain they would hide the address from rules about hosts. */
function endsInNumber(text: string): boolean {
  const end = text.endsWith(".") ? text.length - 1 : text.length;
  const start = text.lastIndexOf(".", end - 1) + 1;
  const first = text.charCodeAt(start);
  return first >= 0x30 && first <= 0x39 && NUMERIC_LABEL.test(text.slice(start, end));
}

/** Bytes that `writeAddress` writes for it. */
export function addressLength(target: TargetAddress): number {
  if (target.type === ATYP_IPV4) return ATYP_LENGTH + IPV4_LENGTH + PORT_LENGTH;
  if (target.type === ATYP_IPV6) return ATYP_LENGTH + IPV6_LENGTH + PORT_LENGTH;
  return ATYP_LENGTH + 1 + Buffer.byteLength(target.host) + PORT_LENGTH;
}

/**
 * Writes `ATYP ADDR PORT` at dst[at], where there are `addressLength(target)` bytes of room, and returns the offset behind it. Takes what
 * `addressFrom` or `readAddress` gave; a hand-made target that is not well-formed is a bug and throws a RangeError.
 */
export function writeAddress(target: TargetAddress, dst: Buffer, at: number): number {
  dst[at] = target.type;
  const addressAt = at + ATYP_LENGTH;
  let next: number;
  if (target.type === ATYP_IPV4) {
    next = dst.writeUInt32BE(parseIpv4(target.host), addressAt);
  } else if (target.type === ATYP_IPV6) {
    if (!parseIpv6(target.host, groups)) throw new RangeError("not an IPv6 literal");
    for (let i = 0; i < IPV6_GROUPS; i++) dst.writeUInt16BE(groups[i]!, addressAt + 2 * i);
    next = addressAt + IPV6_LENGTH;
  } else {
    const length = Buffer.byteLength(target.host);
    if (length === 0 || length > DOMAIN_MAX_LENGTH) throw new RangeError("a domain has 1 to 255 bytes");
    dst[addressAt] = length;
    dst.write(target.host, addressAt + 1);
    next = addressAt + 1 + length;
  }
  return dst.writeUInt16BE(target.port, next);
}

/**
 * Reads `ATYP ADDR PORT` from src[start, end). A domain that is a literal IP comes back as that IP type, so that whoever judges the target
 * sees the address. Never throws; allocates only the target.
 */
export function readAddress(src: Buffer, start: number, end: number): ReadAddressResult {
  if (start >= end) return INCOMPLETE;
  const addressAt = start + ATYP_LENGTH;
  switch (src[start]) {
    case ATYP_IPV4: {
      const portAt = addressAt + IPV4_LENGTH;
      if (portAt + PORT_LENGTH > end) return INCOMPLETE;
      const host = formatIpv4((portOf(src, addressAt) << 16) | portOf(src, addressAt + 2));
      return { ok: true, target: { type: ATYP_IPV4, host, port: portOf(src, portAt) }, next: portAt + PORT_LENGTH };
    }
    case ATYP_IPV6: {
      const portAt = addressAt + IPV6_LENGTH;
      if (portAt + PORT_LENGTH > end) return INCOMPLETE;
      for (let i = 0; i < IPV6_GROUPS; i++) groups[i] = portOf(src, addressAt + 2 * i);
      return { ok: true, target: { type: ATYP_IPV6, host: formatIpv6(groups), port: portOf(src, portAt) }, next: portAt + PORT_LENGTH };
    }
    case ATYP_DOMAIN:
      return readDomain(src, addressAt, end);
    default:
      return MALFORMED;
  }
}

function readDomain(src: Buffer, lengthAt: number, end: number): ReadAddressResult {
  if (lengthAt >= end) return INCOMPLETE;
  const length = src[lengthAt]!;
  if (length === 0) return MALFORMED;
  const nameAt = lengthAt + 1;
  const portAt = nameAt + length;
  if (portAt + PORT_LENGTH > end) return INCOMPLETE;
  let ascii = true;
  for (let i = nameAt; i < portAt && ascii; i++) ascii = src[i]! < 128;
  if (!ascii && !isUtf8(src.subarray(nameAt, portAt))) return MALFORMED;
  const target = targetOf(src.toString(ascii ? "latin1" : "utf8", nameAt, portAt), portOf(src, portAt));
  return target ? { ok: true, target, next: portAt + PORT_LENGTH } : MALFORMED;
}

function portOf(src: Buffer, at: number): number {
  return (src[at]! << 8) | src[at + 1]!;
}

/** `host:port` for people and logs, IPv6 in brackets. */
export function formatHostPort(target: TargetAddress): string {
  return target.type === ATYP_IPV6 ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
}
