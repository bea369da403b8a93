import { BlockList, isIP } from "node:net";

interface Block {
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
  readonly bits: number;
}

const BITS = { ipv4: 32, ipv6: 128 } as const;

/** Whether a text is an address or a block such as "10.0.0.0/8" or "fd00::/8": what `TrustedSources` takes. */
export function isAddressBlock(text: string): boolean {
  return parseBlock(text) !== undefined;
}

/** The proxies that may say where a connection comes from, and must. */
export class TrustedSources {
  readonly #blocks = new BlockList();

  /** Throws a TypeError for what `isAddressBlock` does not take. */
  constructor(blocks: readonly string[]) {
    for (const text of blocks) {
      const block = parseBlock(text);
      if (!block) throw new TypeError(`${text} is neither an address nor a block`);
      this.#blocks.addSubnet(block.address, block.bits, block.family);
    }
  }

  /** `host`: a connection's `remoteHost`. */
  trusts(host: string): boolean {
    // A zone names an interface of ours.
    const zone = host.indexOf("%");
    const address = zone < 0 ? host : host.slice(0, zone);
    const family = isIP(address);
    return family !== 0 && this.#blocks.check(address, family === 4 ? "ipv4" : "ipv6");
  }
}

function parseBlock(text: string): Block | undefined {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || more.length > 0) return undefined;
  const family = version === 4 ? "ipv4" : "ipv6";
  if (bits === undefined) return { address, family, bits: BITS[family] };
  return /^\d{1,3}$/.test(bits) && Number(bits) <= BITS[family] ? { address, family, bits: Number(bits) } : undefined;
}
