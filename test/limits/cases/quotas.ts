import assert from "node:assert/strict";
import { QuotaAction } from "@shadowfleet/control-api";
import { withDeadline } from "@shadowfleet/testkit";
import { hourQuota, type LimitedFleet, type LimitedKey } from "../limited-fleet.ts";
import { type Row, sleep } from "../row.ts";
import { received } from "./rates.ts";

/** Generous: what counts is measured. */
const DEADLINE_MS = 40_000;
const DATAGRAM_BYTES_PER_SECOND = 250_000;

export interface CutOutcome {
  readonly row: Row;
  readonly key: LimitedKey;
  /** Of the quota, as the store counts what was relayed. */
  readonly overshoot: number;
  /** From the last byte that any session moved to the end of the last session; quiet sessions on every relay included. */
  readonly cutMs: number;
  /** The last datagram after the last byte of a stream. */
  readonly datagramMs: number;
}

/** Downloads, uploads, quiet connections and datagrams on all relays until the quota is used up. With a rate: not as fast as the machine can. */
export async function cutLive(fleet: LimitedFleet, quotaBytes: number, bitsPerSecond = 0n): Promise<CutOutcome> {
  const quota = hourQuota(quotaBytes);
  const key = await fleet.createKey({ quota, upBitsPerSecond: bitsPerSecond, downBitsPerSecond: bitsPerSecond });
  const associations = await Promise.all(fleet.fleet.udpRelays.map((_, at) => fleet.openDatagrams(key, at, DATAGRAM_BYTES_PER_SECOND)));
  const quiet = await fleet.open(key, "quiet", 3);
  const downs = await fleet.open(key, "down", 6);
  const ups = await fleet.open(key, "up", 3);
  const streams = [...quiet, ...downs, ...ups];
  const ends = await withDeadline(Promise.all(streams.map(({ closed }) => closed)), DEADLINE_MS, "the end of every session");
  const lastMs = Math.max(...downs.map((stream) => stream.lastMs), fleet.target.arrivals(key.id).lastMs);
  await sleep(1000);
  const datagramMs = Math.max(...associations.map((association) => association.lastMs)) - lastMs;
  for (const association of associations) association.close();
  const overshoot = (await fleet.countedBytes(key.id)) - quotaBytes;
  const cutMs = Math.max(...ends) - lastMs;
  const row = {
    what: "quota cut: 12 TCP sessions and UDP on all relays",
    asked: `${quotaBytes} B`,
    measured: `${quotaBytes + overshoot} B`,
  };
  return { row: { ...row, overshoot, ms: cutMs }, key, overshoot, cutMs, datagramMs };
}

export interface DatagramCutOutcome {
  readonly row: Row;
  readonly overshoot: number;
  /** From the byte that used the quota up to the last datagram that passed in either direction. */
  readonly cutMs: number;
}

/** Nothing but datagrams, echoed, until the quota is used up. */
export async function cutDatagrams(fleet: LimitedFleet, quotaBytes: number): Promise<DatagramCutOutcome> {
  const key = await fleet.createKey({ quota: hourQuota(quotaBytes) });
  const open = () => fleet.openDatagrams(key, 0, DATAGRAM_BYTES_PER_SECOND);
  const associations = await Promise.all([open(), open(), open()]);
  const arrivals = fleet.target.arrivals(key.id);
  const passed = (): number => associations.reduce((sum, association) => sum + association.received, arrivals.bytes);
  const startedMs = performance.now();
  while (passed() < quotaBytes && performance.now() - startedMs < DEADLINE_MS) await sleep(5);
  const usedUpMs = performance.now();
  await sleep(1500);
  const lastMs = Math.max(arrivals.lastMs, ...associations.map((association) => association.lastMs));
  for (const association of associations) association.close();
  const overshoot = (await fleet.countedBytes(key.id)) - quotaBytes;
  const cutMs = Math.max(0, lastMs - usedUpMs);
  const row = { what: "quota cut: 3 UDP associations", asked: `${quotaBytes} B`, measured: `${quotaBytes + overshoot} B` };
  return { row: { ...row, overshoot, ms: cutMs }, overshoot, cutMs };
}

/** How long it takes until a change lets sessions begin on every relay again. */
export async function measureRestore(
  fleet: LimitedFleet,
  key: LimitedKey,
  what: string,
  change: () => Promise<void>,
): Promise<{ readonly row: Row; readonly ms: number }> {
  await sleep(500);
  const refused = await fleet.open(key, "down", 3);
  await withDeadline(Promise.all(refused.map(({ closed }) => closed)), DEADLINE_MS, "a key that is cut to be refused");
  assert.equal(received(refused), 0, "a key that is cut moves nothing");
  const startedMs = performance.now();
  await change();
  const ends = await Promise.all(
    fleet.fleet.tcpRelays.map(async (_, relay) => {
      while (performance.now() - startedMs < 10_000) {
        const stream = await fleet.openAt(key, "down", relay);
        await Promise.race([stream.closed, sleep(100)]);
        const isServed = stream.received > 0;
        stream.destroy();
        if (isServed) return stream.lastMs - startedMs;
        await sleep(20);
      }
      return Number.NaN;
    }),
  );
  const ms = Math.max(...ends);
  return { row: { what, asked: "served again on all relays", measured: "served", ms }, ms };
}

export const raise = (fleet: LimitedFleet, { id }: LimitedKey, bytes: number): Promise<void> =>
  fleet.update(id, { limits: { quota: hourQuota(bytes) } }, "limits.quota");

export interface ThrottleOutcome {
  readonly row: Row;
  readonly restored: Row;
  readonly ratio: number;
  /** Until a live download was fast again after the quota was raised. */
  readonly restoreMs: number;
}

/** A download that goes on slowly beyond the quota, and fast again when the quota is raised. */
export async function throttle(fleet: LimitedFleet, seconds: number): Promise<ThrottleOutcome> {
  const bits = 2_000_000;
  const bytes = 4_000_000;
  const quota = { ...hourQuota(bytes), action: QuotaAction.QUOTA_ACTION_THROTTLE, throttleBitsPerSecond: BigInt(bits) };
  const key = await fleet.createKey({ quota });
  const streams = await fleet.open(key, "down", 3);
  const startedMs = performance.now();
  while (received(streams) < bytes && performance.now() - startedMs < DEADLINE_MS) await sleep(20);
  await sleep(2000);
  const before = received(streams);
  const atMs = performance.now();
  await sleep(seconds * 1000);
  const measured = ((received(streams) - before) * 8000) / (performance.now() - atMs);
  const raisedMs = performance.now();
  const fast = received(streams) + bits;
  await fleet.update(key.id, { limits: { quota: { ...quota, bytes: 1_000_000_000n } } }, "limits.quota");
  while (received(streams) < fast && performance.now() - raisedMs < DEADLINE_MS) await sleep(10);
  const restoreMs = performance.now() - raisedMs;
  for (const stream of streams) stream.destroy();
  const ratio = measured / bits;
  return {
    row: {
      what: `throttled beyond the quota, 3 connections, ${seconds} s`,
      asked: "2.00 Mbit/s",
      measured: `${(measured / 1e6).toFixed(2)} Mbit/s (${((ratio - 1) * 100).toFixed(1)} %)`,
    },
    restored: { what: "throttled, quota raised", asked: "2 MB more at full speed", measured: "there", ms: restoreMs },
    ratio,
    restoreMs,
  };
}
