import type { LimitedFleet, LimitedKey } from "../limited-fleet.ts";
import { type Row, sleep } from "../row.ts";
import type { StreamClient } from "../stream-client.ts";

/** The shortest that a store keeps: as long as relays' reports count. */
const GRACE_MS = 5000;

/** Whether a connection is served: the target's first bytes, or a reset. */
async function isServed(stream: StreamClient): Promise<boolean> {
  const startedMs = performance.now();
  while (stream.received === 0 && stream.closedMs === undefined && performance.now() - startedMs < 10_000) await sleep(10);
  return stream.received > 0;
}

/** Opens at once, on all relays in turn; how many were served. */
async function served(streams: readonly StreamClient[]): Promise<number> {
  const answers = await Promise.all(streams.map(isServed));
  return answers.filter(Boolean).length;
}

/** Many sessions at once of a key that may have three, then one more for one that ended. */
export async function sessions(
  fleet: LimitedFleet,
): Promise<{ readonly row: Row; readonly served: number; readonly next: boolean; readonly ms: number }> {
  const key = await fleet.createKey({ maxSessions: 3, downBitsPerSecond: 8_000_000n });
  const streams = await fleet.open(key, "down", 12);
  const count = await served(streams);
  streams.find((stream) => stream.closedMs === undefined)?.destroy();
  const startedMs = performance.now();
  const next = await untilServed(fleet, key, "127.0.0.1");
  const ms = performance.now() - startedMs;
  for (const stream of streams) stream.destroy();
  const row = { what: "12 sessions at once on all relays, then one for one that ended", asked: "3", measured: `${count}, then 1`, ms };
  return { row, served: count, next, ms };
}

export interface DeviceOutcome {
  readonly row: Row;
  /** Of three addresses, each on all relays. */
  readonly served: readonly number[];
  /** The third one, while the first is within its grace and after it. */
  readonly withinGrace: boolean;
  readonly ms: number;
}

/** Two client addresses and a third, which gets in when one has been gone for the grace time. */
export async function devices(fleet: LimitedFleet): Promise<DeviceOutcome> {
  const key = await fleet.createKey({
    maxDevices: 2,
    deviceGrace: { seconds: BigInt(GRACE_MS / 1000), nanos: 0 },
    downBitsPerSecond: 8_000_000n,
  });
  const [first, second, third] = ["127.1.0.1", "127.1.0.2", "127.1.0.3"] as const;
  const ofFirst = await fleet.open(key, "down", 3, first);
  const counts = [await served(ofFirst)];
  const ofSecond = await fleet.open(key, "down", 3, second);
  counts.push(await served(ofSecond));
  counts.push(await served(await fleet.open(key, "down", 3, third)));
  for (const stream of ofFirst) stream.destroy();
  const leftMs = performance.now();
  const withinGrace = (await served([await fleet.openAt(key, "down", 0, third)])) === 1;
  await untilServed(fleet, key, third);
  const ms = performance.now() - leftMs;
  for (const stream of ofSecond) stream.destroy();
  const row = { what: "devices: 3 addresses, 3 connections each; the third after one has gone", asked: `2, grace ${GRACE_MS} ms` };
  return {
    row: { ...row, measured: counts.map((count) => (count === 3 ? "in" : "refused")).join(", "), ms },
    served: counts,
    withinGrace,
    ms,
  };
}

async function untilServed(fleet: LimitedFleet, key: LimitedKey, from: string): Promise<boolean> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < 15_000) {
    const stream = await fleet.openAt(key, "down", 1, from);
    const isIn = await isServed(stream);
    stream.destroy();
    if (isIn) return true;
    await sleep(50);
  }
  return false;
}
