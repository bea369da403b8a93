import type { TrafficRate, WatchSessionsResponse, WatchTrafficResponse } from "@shadowfleet/control-api";
import { sumOf } from "../views/traffic-view.ts";

/** An access key at this moment. */
export interface LiveKey {
  readonly id: string;
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
  readonly sessionCount: number;
  readonly totalBytes: bigint;
}

/** The fleet at this moment. */
export interface LiveFleet {
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
  readonly sessionCount: number;
  /** Those that move bytes or have sessions, the fastest first, then the one with most bytes. */
  readonly keys: readonly LiveKey[];
}

/** Puts what the traffic stream and the session stream tell into one picture. */
export class LiveRates {
  /** Every key that ever relayed a byte. */
  readonly #totals = new Map<string, bigint>();
  /** Those that moved bytes within the last interval. */
  #moving: ReadonlyMap<string, TrafficRate> = new Map();
  readonly #keyOfSession = new Map<string, string>();

  takeTraffic({ rates }: WatchTrafficResponse): void {
    for (const { traffic } of rates) if (traffic?.total) this.#totals.set(traffic.subject, sumOf(traffic.total));
    this.#moving = new Map(rates.map((rate) => [rate.traffic?.subject ?? "", rate]));
  }

  /** Nothing was heard for longer than an interval: nothing moves. */
  takeSilence(): void {
    this.#moving = new Map();
  }

  takeSessions({ updated, closedIds }: WatchSessionsResponse, isWhole: boolean): void {
    if (isWhole) this.#keyOfSession.clear();
    for (const { id, accessKeyId } of updated) this.#keyOfSession.set(id, accessKeyId);
    for (const id of closedIds) this.#keyOfSession.delete(id);
  }

  get now(): LiveFleet {
    const sessionCounts = new Map<string, number>();
    for (const key of this.#keyOfSession.values()) sessionCounts.set(key, (sessionCounts.get(key) ?? 0) + 1);
    const ids = new Set([...sessionCounts.keys(), ...this.#moving.keys()]);
    const keys = [...ids].map((id): LiveKey => {
      const { upBytesPerSecond = 0, downBytesPerSecond = 0 } = this.#moving.get(id) ?? {};
      const sessionCount = sessionCounts.get(id) ?? 0;
      return { id, upBytesPerSecond, downBytesPerSecond, sessionCount, totalBytes: this.#totals.get(id) ?? 0n };
    });
    const isLive = (key: LiveKey): boolean => key.sessionCount > 0 || speedOf(key) > 0;
    return {
      upBytesPerSecond: keys.reduce((sum, key) => sum + key.upBytesPerSecond, 0),
      downBytesPerSecond: keys.reduce((sum, key) => sum + key.downBytesPerSecond, 0),
      sessionCount: this.#keyOfSession.size,
      keys: keys.filter(isLive).sort(byInterest),
    };
  }
}

function speedOf({ upBytesPerSecond, downBytesPerSecond }: LiveKey): number {
  return upBytesPerSecond + downBytesPerSecond;
}

function byInterest(a: LiveKey, b: LiveKey): number {
  if (speedOf(a) !== speedOf(b)) return speedOf(b) - speedOf(a);
  if (a.totalBytes !== b.totalBytes) return a.totalBytes < b.totalBytes ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}
