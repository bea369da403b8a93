import type { AccessKeyUsage } from "@shadowfleet/control-api";
import { codeOf } from "@shadowfleet/runtime";
import { type ByteCounts, type LimitUsage, type QuotaInterval, quotaWindowAt, readQuotaBase } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import type { KeyEntry } from "../directory/entries.ts";

/** Windows remembered at most; all are forgotten when it is one more. */
const MAX_REMEMBERED = 50_000;
/** Keys whose hours are read at a time. */
const IN_FLIGHT = 16;

interface Asked {
  readonly entry: KeyEntry;
  readonly interval: QuotaInterval | undefined;
}

interface Remembered {
  readonly windowId: string;
  /** All the key ever relayed when it was computed: while that is so, the rest is. */
  readonly total: number;
  readonly bytes: number;
}

/** Looks up what of keys' limits is used. */
export class KeyUsage {
  readonly #context: ManagementContext;
  readonly #remembered = new Map<string, Remembered>();

  constructor(context: ManagementContext) {
    this.#context = context;
  }

  /** By id, of those keys that have limits; nothing while the store does not answer. One call to the store, but for windows in which nobody has leased yet. */
  async of(entries: readonly KeyEntry[]): Promise<ReadonlyMap<string, AccessKeyUsage>> {
    const { clock, directory } = this.#context;
    const nowMs = clock.now();
    const asked = entries.flatMap((entry): Asked[] => {
      const { limits } = entry.record;
      return limits ? [{ entry, interval: limits.quota && quotaWindowAt(limits.quota, nowMs) }] : [];
    });
    if (asked.length === 0 || !directory.isStoreAvailable) return new Map();
    try {
      return await this.#read(asked);
    } catch (error) {
      if (codeOf(error) === "STORE_UNAVAILABLE") return new Map();
      throw error;
    }
  }

  async #read(asked: readonly Asked[]): Promise<ReadonlyMap<string, AccessKeyUsage>> {
    const found = await this.#context.store.readLimitUsage(
      asked.map(({ entry, interval }) => ({ keyId: entry.record.id, windowId: interval?.id ?? "" })),
    );
    const usages = new Map<string, AccessKeyUsage>();
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < asked.length) {
        const { entry, interval } = asked[next]!;
        const usage = found[next++]!;
        const used = usage.quotaUsedBytes ?? (interval ? await this.#base(entry.record.id, interval) : 0);
        usages.set(entry.record.id, usageMessage(entry, interval, usage, used));
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
    return usages;
  }

  /** Nobody has leased of the window, so what counts is what came before; looked up once as long as the key relays nothing. */
  async #base(keyId: string, interval: QuotaInterval): Promise<number> {
    const { store } = this.#context;
    const total = sumOf((await store.readTraffic({ kind: "key", id: keyId })).total);
    if (total === 0) return 0;
    const known = this.#remembered.get(keyId);
    if (known?.windowId === interval.id && known.total === total) return known.bytes;
    const bytes = await readQuotaBase(store, keyId, interval);
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(keyId, { windowId: interval.id, total, bytes });
    return bytes;
  }
}

function usageMessage(
  { record }: KeyEntry,
  interval: QuotaInterval | undefined,
  { sessions, devices }: LimitUsage,
  usedBytes: number,
): AccessKeyUsage {
  const quota = record.limits?.quota;
  return {
    quotaUsedBytes: BigInt(quota ? usedBytes : 0),
    windowStartTime: dateOf(interval?.startMs),
    windowEndTime: dateOf(interval?.endMs),
    exhausted: quota !== undefined && usedBytes >= quota.bytes,
    devices,
    sessions,
  };
}

function sumOf({ tcpUp, tcpDown, udpUp, udpDown }: ByteCounts): number {
  return tcpUp + tcpDown + udpUp + udpDown;
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}
