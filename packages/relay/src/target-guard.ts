import { ATYP_DOMAIN, addressFrom } from "@shadowfleet/wire";
import { type AddressGroups, type Cidr, cidrContains, parseAddress, parseCidr } from "./cidr.ts";
import { embeddedIpv4, isatapIpv4, isPublic } from "./reserved-networks.ts";

/** Decides which addresses a relay may reach. Asked after name resolution, about the very address that is dialled. */
export interface TargetGuard {
  /**
   * `address` is a literal IPv4 or IPv6 address; anything unparsable is refused. `name` is what the client asked for and what resolved to the
   * address; undefined when the client named the address itself. `own` are the lists of the client's access key.
   */
  admits(address: string, name?: string, own?: TargetRules): boolean;
}

/** What a file or management says: CIDR blocks, and to allow also host names, which hold for clients that ask by that name. */
export interface TargetLists {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

export interface TargetGuardOptions {
  /** Leaves the table of reserved networks out; `denyTargets` still holds. */
  readonly allowPrivateTargets: boolean;
  readonly allowTargets: readonly string[];
  readonly denyTargets: readonly string[];
}

/** Lists made ready. */
export interface TargetRules {
  readonly lists: TargetLists;
  readonly deny: readonly Cidr[];
  readonly allow: readonly Cidr[];
  readonly allowNames: ReadonlySet<string>;
}

/** Verdicts remembered; the map is emptied when full, so a flood of addresses costs parsing again but no memory. */
const MAX_VERDICTS = 4096;

/** Makes lists ready. What is neither a block nor, to allow, a host name is a TypeError. */
export function compileTargets(lists: TargetLists): TargetRules {
  return {
    lists,
    deny: lists.deny.map(block),
    allow: lists.allow.filter((target) => !isHostName(target)).map(block),
    allowNames: new Set(lists.allow.filter(isHostName).map(canonicalName)),
  };
}

export function sameTargets(a: TargetRules | undefined, b: TargetRules | undefined): boolean {
  const same = (one: readonly string[], other: readonly string[]): boolean =>
    one.length === other.length && one.every((text, i) => text === other[i]);
  return a === b || (a !== undefined && b !== undefined && same(a.lists.allow, b.lists.allow) && same(a.lists.deny, b.lists.deny));
}

/**
 * Deny wins over allow, also by name, allow over the table of reserved networks; the lists of an access key are added to the relay's own. An IPv6
 * address that carries an IPv4 address (6to4, NAT64, Teredo and their like) is denied or allowed also by rules about that IPv4 address, and refused
 * when the table refuses it.
 */
export function createTargetGuard(options: TargetGuardOptions): TargetGuard {
  const fleet = compileTargets({ allow: options.allowTargets, deny: options.denyTargets });
  const verdicts = new Map<string, boolean>();

  const judge = (text: string, name: string | undefined, rules: readonly TargetRules[]): boolean => {
    const address = parseAddress(text);
    if (!address) return false;
    const embedded = embeddedIpv4(address);
    const allOfIt = [address, ...embedded, ...isatapIpv4(address)];
    if (rules.some(({ deny }) => allOfIt.some((part) => covers(deny, part)))) return false;
    if (options.allowPrivateTargets || rules.some(({ allow }) => covers(allow, address))) return true;
    if (name !== undefined && rules.some(({ allowNames }) => allowNames.size > 0 && allowNames.has(canonicalName(name)))) return true;
    if (embedded.length > 0 && embedded.every((inner) => rules.some(({ allow }) => covers(allow, inner)))) return true;
    return isPublic(address);
  };

  return {
    admits(address, name, own) {
      // A verdict about an address that a name or a key brings with it is not one about the address.
      if (own) return judge(address, name, [fleet, own]);
      if (name !== undefined && fleet.allowNames.size > 0 && fleet.allowNames.has(canonicalName(name)))
        return judge(address, name, [fleet]);
      const known = verdicts.get(address);
      if (known !== undefined) return known;
      if (verdicts.size >= MAX_VERDICTS) verdicts.clear();
      const verdict = judge(address, undefined, [fleet]);
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
