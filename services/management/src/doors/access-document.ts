import { formatOnlineConfig, type OnlineConfig } from "@shadowfleet/wire";
import type { ManagementContext } from "../context.ts";
import type { KeyEntry } from "../directory/entries.ts";
import { publicServers } from "./public-servers.ts";

/** The SIP008 document of an access key. While its secret is being replaced, clients are given the new one. */
export async function accessDocument(context: ManagementContext, entry: KeyEntry, host = ""): Promise<string> {
  const [servers, used] = await Promise.all([publicServers(context, entry, host), usedBytes(context, entry)]);
  return formatOnlineConfig({ servers, ...used });
}

/** How much was used, and of a quota how much is left; nothing while the store does not say. */
async function usedBytes({ store }: ManagementContext, { record }: KeyEntry): Promise<Pick<OnlineConfig, "bytesUsed" | "bytesRemaining">> {
  try {
    const { tcpUp, tcpDown, udpUp, udpDown } = (await store.readTraffic({ kind: "key", id: record.id })).total;
    return { bytesUsed: tcpUp + tcpDown + udpUp + udpDown };
  } catch {
    return {};
  }
}
