import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { ResolvedAddress } from "./resolver.ts";

/** Asks the system for a name's addresses, in its order; rejects when it has none. */
export type NameLookup = (host: string) => Promise<readonly ResolvedAddress[]>;

export const systemLookup: NameLookup = async (host) => {
  const answers = await lookup(host, { all: true, order: "verbatim" });
  return answers.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/** The address itself when `host` is a literal IPv4 or (bracketless) IPv6 address. */
export function literalAddress(host: string): ResolvedAddress | undefined {
  const family = isIP(host);
  return family === 0 ? undefined : { address: host, family: family === 6 ? 6 : 4 };
}

/** Alternates families, beginning with that of the first address and keeping the order within each (RFC 8305 §4). */
export function interleaveFamilies(addresses: readonly ResolvedAddress[]): readonly ResolvedAddress[] {
  const leading = addresses.filter(({ family }) => family === addresses[0]?.family);
  const trailing = addresses.filter(({ family }) => family !== addresses[0]?.family);
  const ordered: ResolvedAddress[] = [];
  for (let i = 0; i < Math.max(leading.length, trailing.length); i += 1) {
    ordered.push(...leading.slice(i, i + 1), ...trailing.slice(i, i + 1));
  }
  return ordered;
}
