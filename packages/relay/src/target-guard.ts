import { ATYP_DOMAIN, addressFrom } from "@shadowfleet/wire";
import { type AddressGroups, type Cidr, cidrContains, parseAddress, parseCidr } from "./cidr.ts";
import { embeddedIpv4, isPublic } from "./reserved-networks.ts";

/** Decides which addresses a relay may reach. Asked after name resolution, about the very address that is dialled. */
export interface TargetGuard {
  /**
   * `address` is a literal IPv4 or IPv6 address; anything unparsable is refused. `name` is what the client asked for and what resolved to the
   * address; undefined when the client named the address itself.
   */
  admits(address: string, name?: string): boolean;
}

export interface TargetGuardOptions {
  /** Leaves the table of reserved networks out; `denyTargets` still holds. */
  readonly allowPrivateTargets: boolean;
  /** CIDR blocks, or host names, which hold for clients that ask by that name. What is neither is a TypeError (configuration has been checked before). */
  readonly allowTargets: readonly string[];
  /** CIDR blocks. */
  readonly denyTargets: readonly string[];
}

/** Verdicts remembered; the map is emptied when full, so a flood of addresses costs parsing again but no memory. */
const MAX_VERDICTS = 4096;

/**
 * Deny wins over allow, also by name, allow over the table of reserved networks. An IPv6 address that carries an IPv4 address (6to4, NAT64, Teredo and
 * their like) is denied or allowed also by rules about that IPv4 address, and refused when the table refuses it.
 */
export function createTargetGuard(options: TargetGuardOptions): TargetGuard {
  const deny = options.denyTargets.map(block);
  const allow = options.allowTargets.filter((target) => !isHostName(target)).map(block);
  const allowNames = new Set(options.allowTargets.filter(isHostName).map(canonicalName));
  const verdicts = new Map<string, boolean>();

  const judge = (text: string, isAllowed: boolean): boolean => {
    const address = parseAddress(text);
    if (!address) return false;
    const embedded = embeddedIpv4(address);
    if (covers(deny, address) || embedded.some((inner) => covers(deny, inner))) return false;
    if (isAllowed || covers(allow, address)) return true;
    if (embedded.length > 0 && embedded.every((inner) => covers(allow, inner))) return true;
    return isPublic(address);
  };

  return {
    admits(address, name) {
      // A verdict about an address that a name brings with it is not one about the address.
      if (name !== undefined && allowNames.size > 0 && allowNames.has(canonicalName(name))) return judge(address, true);
      const known = verdicts.get(address);
      if (known !== undefined) return known;
      if (verdicts.size >= MAX_VERDICTS) verdicts.clear();
      const verdict = judge(address, options.allowPrivateTargets);
      verdicts.set(address, verdict);
      return verdict;
    },
  };
}

/** As `targets.allow` may name a host. */
export function isHostName(text: string): boolean {
  return addressFrom(text, 0)?.type === ATYP_DOMAIN && parseCidr(text) === undefined;
}

function canonicalName(name: string): string {
  return name.replace(/\.$/, "").toLowerCase();
}

function covers(blocks: readonly Cidr[], address: AddressGroups): boolean {
  return blocks.some((candidate) => cidrContains(candidate, address));
}

function block(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw new TypeError(`not a CIDR block: ${text}`);
  return cidr;
}
