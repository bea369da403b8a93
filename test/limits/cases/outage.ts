import { hourQuota, type LimitedFleet, mbit } from "../limited-fleet.ts";
import { type Row, sleep } from "../row.ts";
import { received } from "./rates.ts";

export interface OutageOutcome {
  readonly rows: readonly Row[];
  /** Live downloads of the key moved so many bytes per second while Redis was dead, of 1: its rate. */
  readonly ratio: number;
  /** A new session of it was served meanwhile. */
  readonly isNewServed: boolean;
  /** Bytes that were relayed and are not in the quota's books once Redis is back. */
  readonly uncounted: number;
}

/** Redis dies while a key with rate and quota downloads, and comes back. */
export async function outage(fleet: LimitedFleet, seconds: number): Promise<OutageOutcome> {
  const rate = 8_000_000;
  const key = await fleet.createKey({ downBitsPerSecond: mbit(rate / 1e6), quota: hourQuota(1_000_000_000) });
  const streams = await fleet.open(key, "down", 6);
  await sleep(1500);
  await fleet.redis.kill9();
  // Until relays have given up on it.
  await sleep(1500);
  const before = received(streams);
  const startedMs = performance.now();
  await sleep(seconds * 1000);
  const ratio = ((received(streams) - before) * 8000) / (performance.now() - startedMs) / rate;
  const late = await fleet.openAt(key, "down", 0);
  const openedMs = performance.now();
  while (late.received === 0 && late.closedMs === undefined && performance.now() - openedMs < 5_000) await sleep(10);
  const isNewServed = late.received > 0;
  const admittedMs = late.lastMs - openedMs;
  for (const stream of [...streams, late]) stream.destroy();
  await fleet.redis.start();
  const counted = await fleet.countedBytes(key.id);
  await sleep(1000);
  const uncounted = counted - Number((await fleet.usage(key.id)).quotaUsedBytes);
  const measured = `${((ratio * rate) / 1e6).toFixed(2)} Mbit/s`;
  return {
    rows: [
      { what: `Redis dead for ${seconds} s, policy continue: live downloads`, asked: "8.00 Mbit/s", measured },
      { what: "… a new session", asked: "served", measured: isNewServed ? "served" : "refused", ms: admittedMs },
      { what: "… bytes missing in the quota's books afterwards", asked: "0 B", measured: `${uncounted} B` },
    ],
    ratio,
    isNewServed,
    uncounted,
  };
}

export interface RefusalOutcome {
  readonly row: Row;
  readonly refusedLive: boolean;
  readonly refusedNew: boolean;
}

/** The same where relays are told to refuse: who has used its lease is cut, who comes new is not served. */
export async function refusingOutage(fleet: LimitedFleet): Promise<RefusalOutcome> {
  const key = await fleet.createKey({ quota: hourQuota(1_000_000_000), downBitsPerSecond: mbit(8) });
  const stream = await fleet.openAt(key, "down", 0);
  await sleep(2000);
  await fleet.redis.kill9();
  const startedMs = performance.now();
  await Promise.race([stream.closed, sleep(15_000)]);
  const refusedLive = stream.closedMs !== undefined;
  const ms = (stream.closedMs ?? Number.NaN) - startedMs;
  const late = await fleet.openAt(key, "down", 0);
  await Promise.race([late.closed, sleep(5_000)]);
  const refusedNew = late.closedMs !== undefined && late.received === 0;
  for (const each of [stream, late]) each.destroy();
  const row = { what: "Redis dead, policy refuse: a live download ends with its lease, a new one is refused", asked: "ended, refused" };
  return {
    row: { ...row, measured: `${refusedLive ? "ended" : "goes on"}, ${refusedNew ? "refused" : "served"}`, ms },
    refusedLive,
    refusedNew,
  };
}
