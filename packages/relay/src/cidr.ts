import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** An IP address as 16-bit groups: two for IPv4, eight for IPv6. */
export type AddressGroups = readonly number[];

/** A block of addresses of one family. */
export interface Cidr {
  readonly groups: AddressGroups;
  /** Leading bits that count: 0 to 32 or 0 to 128. */
  readonly bits: number;
}

const MAPPED_BITS = 96;

/**
 * The groups of a literal address, or undefined for anything else: names, zone ids, short and octal IPv4 forms. IPv4-mapped IPv6
 * (::ffff:a.b.c.d) comes back as the IPv4 address it is to the kernel, so that no rule can be evaded by spelling.
 */
export function parseAddress(text: string): AddressGroups | undefined {
  const family = isIP(text);
  if (family === 0 || text.includes("%")) return undefined;
  if (family === 4) return ipv4Groups(ipaddr.IPv4.parse(text));
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? ipv4Groups(address.toIPv4Address()) : address.parts;
}

/** A block written `address/bits`, or one address alone; undefined when it is neither. Blocks inside ::ffff:0:0/96 become IPv4 blocks. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const literal = slash < 0 ? text : text.slice(0, slash);
  const groups = parseAddress(literal);
  if (!groups) return undefined;
  const written = literal.includes(":") ? 128 : 32;
  if (slash >= 0 && !/^\d{1,3}$/.test(text.slice(slash + 1))) return undefined;
  const bits = slash < 0 ? written : Number(text.slice(slash + 1));
  if (bits > written) return undefined;
  const own = groups.length * 16;
  if (own === written) return { groups, bits };
  return bits < MAPPED_BITS ? undefined : { groups, bits: bits - MAPPED_BITS };
}

/** Whether an address lies in a block; never for the other family. */
export function cidrContains(cidr: Cidr, address: AddressGroups): boolean {
  if (cidr.groups.length !== address.length) return false;
  let left = cidr.bits;
  for (let at = 0; left > 0; at++, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff;
    if (((cidr.groups[at]! ^ address[at]!) & mask) !== 0) return false;
  }
  return true;
}

function ipv4Groups(address: ipaddr.IPv4): AddressGroups {
  const [a, b, c, d] = address.octets as [number, number, number, number];
  return [(a << 8) | b, (c << 8) | d];
}
