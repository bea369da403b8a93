import { type AddressGroups, type Cidr, cidrContains, parseCidr } from "./cidr.ts";

/**
 * What no stranger's name may make a relay reach: everything that is not plain global unicast (RFC 6890 and the IANA special-purpose
 * registries), and the metadata services that clouds put on it.
 */
const RESERVED = [
  "0.0.0.0/8", // "this network"; 0.0.0.0 connects to the own machine
  "10.0.0.0/8",
  "100.64.0.0/10", // carrier-grade NAT; Alibaba's metadata 100.100.100.200
  "127.0.0.0/8",
  "168.63.129.16/32", // Azure's platform address, public in form only
  "169.254.0.0/16", // link-local; metadata 169.254.169.254
  "172.16.0.0/12",
  "192.0.0.0/24", // IETF protocol assignments; Oracle's metadata 192.0.0.192
  "192.0.2.0/24", // TEST-NET-1
  "192.88.99.0/24", // 6to4 relay anycast, withdrawn
  "192.168.0.0/16",
  "198.18.0.0/15", // benchmarking
  "198.51.100.0/24", // TEST-NET-2
  "203.0.113.0/24", // TEST-NET-3
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and broadcast
  "2001:2::/48", // benchmarking
  "2001:10::/28", // ORCHID
  "2001:20::/28", // ORCHIDv2
  "2001:db8::/32", // documentation
  "3fff::/20", // documentation
].map(required);

/**
 * The only IPv6 space in public use. Outside of it lie ::, ::1, discard-only 100::/64, NAT64's local 64:ff9b:1::/48, segment routing 5f00::/16,
 * ULA fc00::/7 (metadata fd00:ec2::254), link-local fe80::/10, site-local fec0::/10, multicast ff00::/8 and what nobody has been given yet.
 */
const GLOBAL_UNICAST_V6 = required("2000::/3");

/** IPv6 forms that some gateway turns into IPv4 on the way, and which of their 16-bit groups begins the IPv4 address. */
const EMBEDDINGS: readonly { readonly block: Cidr; readonly at: number }[] = [
  { block: required("::/96"), at: 6 }, // IPv4-compatible (RFC 4291 §2.5.5.1)
  { block: required("::ffff:0:0:0/96"), at: 6 }, // IPv4-translated (RFC 2765)
  { block: required("64:ff9b::/96"), at: 6 }, // NAT64 well-known prefix (RFC 6052)
  { block: required("2002::/16"), at: 1 }, // 6to4 (RFC 3056)
];

/** Teredo (RFC 4380 §4): server in groups 2 and 3, the client's address inverted in groups 6 and 7. */
const TEREDO = required("2001::/32");

/** ISATAP (RFC 5214 §6.1): an interface id of 0:5efe or 200:5efe, then the IPv4 address. */
const ISATAP_UNIVERSAL = 0x0200;
const ISATAP_ID = 0x5efe;

/**
 * The IPv4 address an ISATAP interface id names; empty for others. The prefix around it decides first where packets go, so this can only be a reason
 * against an address, never for it.
 */
export function isatapIpv4(address: AddressGroups): readonly AddressGroups[] {
  const isIsatap = address[5] === ISATAP_ID && (address[4] === 0 || address[4] === ISATAP_UNIVERSAL);
  return isIsatap ? [[address[6]!, address[7]!]] : [];
}

/** The IPv4 addresses an IPv6 address leads to through a translator or tunnel; empty when it is just IPv6 (or IPv4). */
export function embeddedIpv4(address: AddressGroups): readonly AddressGroups[] {
  if (address.length === 2) return [];
  if (cidrContains(TEREDO, address)) {
    return [
      [address[2]!, address[3]!],
      [address[6]! ^ 0xffff, address[7]! ^ 0xffff],
    ];
  }
  for (const { block, at } of EMBEDDINGS) {
    if (cidrContains(block, address)) return [[address[at]!, address[at + 1]!]];
  }
  return [];
}

/** True when the table has nothing against an address, nor against any IPv4 address embedded in it. */
export function isPublic(address: AddressGroups): boolean {
  if (!isatapIpv4(address).every(isPublic)) return false;
  const embedded = embeddedIpv4(address);
  if (embedded.length > 0) return embedded.every(isPublic);
  if (address.length === 8 && !cidrContains(GLOBAL_UNICAST_V6, address)) return false;
  return !RESERVED.some((block) => cidrContains(block, address));
}

function required(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw new TypeError(`not a CIDR block: ${text}`);
  return cidr;
}
