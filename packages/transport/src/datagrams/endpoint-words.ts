import { networkInterfaces } from "node:os";
import { formatIpv4, formatIpv6, IPV6_GROUPS, NOT_IPV4, parseIpv4, parseIpv6 } from "@shadowfleet/wire";
import { MAPPED } from "./message-vector.ts";

const bytes = new DataView(new ArrayBuffer(16));
const groups = new Uint16Array(IPV6_GROUPS);

/** A literal address as scope and four words in network order, from `at` on, IPv4 as the IPv6 address that stands for it. False: it is none. */
export function parseHostWords(host: string, words: Int32Array, at: number): boolean {
  const ipv4 = parseIpv4(host);
  if (ipv4 !== NOT_IPV4) {
    bytes.setUint32(12, ipv4);
    words.set([0, 0, 0, MAPPED, bytes.getInt32(12, true)], at);
    return true;
  }
  const [address = "", zone] = host.split("%", 2);
  if (!parseIpv6(address, groups)) return false;
  const scope = zone === undefined ? 0 : scopeOf(zone);
  if (scope === undefined) return false;
  for (let i = 0; i < IPV6_GROUPS; i++) bytes.setUint16(i * 2, groups[i] as number);
  words[at] = scope;
  for (let i = 0; i < 4; i++) words[at + 1 + i] = bytes.getInt32(i * 4, true);
  return true;
}

/** The literal address in the words from `at` on. */
export function formatHostWords(words: Int32Array, at: number): string {
  for (let i = 0; i < 4; i++) bytes.setInt32(i * 4, words[at + 1 + i] as number, true);
  if (words[at + 3] === MAPPED && words[at + 2] === 0 && words[at + 1] === 0) return formatIpv4(bytes.getUint32(12));
  for (let i = 0; i < IPV6_GROUPS; i++) groups[i] = bytes.getUint16(i * 2);
  const scope = words[at] as number;
  return scope === 0 ? formatIpv6(groups) : `${formatIpv6(groups)}%${zoneOf(scope)}`;
}

/** An interface by its name, or by its number. */
function scopeOf(zone: string): number | undefined {
  if (/^\d{1,9}$/.test(zone)) return Number(zone);
  return scopesOf(networkInterfaces()[zone])[0];
}

function zoneOf(scope: number): string {
  const named = Object.entries(networkInterfaces()).find(([, addresses]) => scopesOf(addresses).includes(scope));
  return named?.[0] ?? String(scope);
}

const scopesOf = (addresses: ReturnType<typeof networkInterfaces>[string] = []): number[] =>
  addresses.flatMap((address) => (address.family === "IPv6" && address.scopeid > 0 ? [address.scopeid] : []));
