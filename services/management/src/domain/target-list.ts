import { ATYP_DOMAIN, ATYP_IPV4, addressFrom } from "@shadowfleet/wire";

/** Relays look through a list for every connection and every datagram. */
export const MAX_TARGETS = 64;

const BLOCK = /^([^/]+)(?:\/(\d{1,3}))?$/;
const MAPPED_BITS = 96;
const MAPPED = /^::ffff:(?:[\d.]+|[\da-f]+:[\da-f]+)$/;

/** What is wrong with a key's list of targets, a sentence each. Host names can only be allowed: to deny one keeps nobody from its address. */
export function targetListProblems(targets: readonly string[], list: "allow" | "deny"): string[] {
  const problems = targets.length > MAX_TARGETS ? [`has at most ${MAX_TARGETS} entries`] : [];
  const isGood = (target: string): boolean => kindOf(target) === "block" || (list === "allow" && kindOf(target) === "name");
  const bad = targets.findIndex((target) => !isGood(target));
  const kinds = 'an address or a block such as "10.1.0.0/16" or "fd00::/8"';
  if (bad >= 0) problems.push(`entry ${bad + 1} must be ${list === "allow" ? `${kinds}, or a host name` : kinds}`);
  return problems;
}

/** As relays read it, which refuse a key whose lists they cannot read. */
function kindOf(text: string): "block" | "name" | undefined {
  const [, literal = "", digits] = BLOCK.exec(text) ?? [];
  const address = literal.startsWith("[") ? undefined : addressFrom(literal, 0);
  if (!address) return undefined;
  if (address.type === ATYP_DOMAIN) return digits === undefined ? "name" : undefined;
  const bits = digits === undefined ? 0 : Number(digits);
  if (address.type === ATYP_IPV4) return bits <= 32 ? "block" : undefined;
  // Part of the space of mapped addresses is a block of IPv4; more than all of it is neither.
  const isMapped = digits !== undefined && MAPPED.test(address.host);
  return bits <= 128 && !(isMapped && bits < MAPPED_BITS) ? "block" : undefined;
}
