import { formatOnlineConfig, type OnlineConfig } from "@shadowfleet/wire";
import type { ManagementContext } from "../context.ts";
import type { KeyEntry } from "../directory/entries.ts";
import { KeyUsage } from "../services/key-usage.ts";
import { publicServers } from "./public-servers.ts";

/** The SIP008 documents of access keys. */
export class AccessDocuments {
  readonly #context: ManagementContext;
  readonly #usage: KeyUsage;

  constructor(context: ManagementContext) {
    this.#context = context;
    this.#usage = new KeyUsage(context);
  }

  /** While a secret is being replaced, clients are given the new one. Throws RpcError IN_USE for a key without a port. */
  async of(entry: KeyEntry, host = ""): Promise<string> {
    const [servers, used] = await Promise.all([publicServers(this.#context, entry, host), this.#bytesOf(entry)]);
    return formatOnlineConfig({ servers, ...used });
  }

  /** With a quota, its present window; otherwise everything since the beginning. Nothing while the store does not say. */
  async #bytesOf(entry: KeyEntry): Promise<Pick<OnlineConfig, "bytesUsed" | "bytesRemaining">> {
    const { id, limits } = entry.record;
    if (limits?.quota) {
      const usage = (await this.#usage.of([entry])).get(id);
      const bytesUsed = Number(usage?.quotaUsedBytes ?? 0n);
      return usage ? { bytesUsed, bytesRemaining: Math.max(limits.quota.bytes - bytesUsed, 0) } : {};
    }
    try {
      const { tcpUp, tcpDown, udpUp, udpDown } = (await this.#context.store.readTraffic({ kind: "key", id })).total;
      return { bytesUsed: tcpUp + tcpDown + udpUp + udpDown };
    } catch {
      return {};
    }
  }
}
