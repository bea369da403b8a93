import { parseAddress } from "./cidr.ts";

/** Groups of 16 bits that make the /64 which an IPv6 client moves about in at will. */
const NETWORK_GROUPS = 4;

/** Whom a client's address counts as where sources are limited: an IPv4 address by itself, IPv4-mapped or not, an IPv6 one with its whole /64. */
export function sourceNetwork(host: string): string {
  if (!host.includes(":")) return host;
  // A zone names an interface of ours, not a client.
  const zone = host.indexOf("%");
  const groups = parseAddress(zone < 0 ? host : host.slice(0, zone));
  if (groups === undefined) return host;
  if (groups.length < NETWORK_GROUPS) return groups.flatMap((group) => [group >> 8, group & 0xff]).join(".");
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => group.toString(16));
  return `${network.join(":")}::/64`;
}
