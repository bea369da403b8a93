import { type LimitedFleet, type LimitedKey, mbit } from "../limited-fleet.ts";
import { type Row, sleep } from "../row.ts";
import type { StreamClient } from "../stream-client.ts";

export interface RateOutcome {
  readonly row: Row;
  /** Of what was asked: 1 is exactly that. */
  readonly ratio: number;
}

export interface RateCase {
  readonly direction: "up" | "down";
  readonly connections: number;
  readonly seconds: number;
  readonly bitsPerSecond?: number;
  /** Datagrams beside them, in bits per second on each udp-relay; uploads only. */
  readonly datagrams?: number;
  /** Longer where what is sent before a limit is known takes long to pay for. */
  readonly settleMs?: number;
}

const RATE = 20_000_000;
const SETTLE_MS = 2500;

/** Mbit/s of payload that a key gets through, over a time in which everybody wants more. */
export async function measureRate(fleet: LimitedFleet, options: RateCase): Promise<RateOutcome> {
  const { direction, connections, seconds, bitsPerSecond = RATE, datagrams = 0, settleMs = SETTLE_MS } = options;
  const bits = BigInt(bitsPerSecond);
  const key = await fleet.createKey(direction === "up" ? { upBitsPerSecond: bits } : { downBitsPerSecond: bits });
  const streams = await fleet.open(key, direction, connections);
  const relays = datagrams > 0 ? fleet.fleet.udpRelays.length : 0;
  const associations = await Promise.all(Array.from({ length: relays }, (_, at) => fleet.openDatagrams(key, at, datagrams / 8)));
  const read = (): number => (direction === "up" ? fleet.target.arrivals(key.id).bytes : received(streams));
  await sleep(settleMs);
  const before = read();
  const startedMs = performance.now();
  await sleep(seconds * 1000);
  const measured = ((read() - before) * 8000) / (performance.now() - startedMs);
  for (const stream of streams) stream.destroy();
  for (const association of associations) association.close();
  const rate = (value: number): string =>
    bitsPerSecond < 1e6 ? `${(value / 1e3).toFixed(1)} kbit/s` : `${(value / 1e6).toFixed(2)} Mbit/s`;
  const ratio = measured / bitsPerSecond;
  const who = `${connections} connection${connections === 1 ? "" : "s"}${relays > 0 ? ` and ${relays} UDP associations` : ""}`;
  const row = {
    what: `rate ${direction}, ${who}, ${seconds} s`,
    asked: rate(bitsPerSecond),
    measured: `${rate(measured)} (${((ratio - 1) * 100).toFixed(1)} %)`,
  };
  return { row, ratio };
}

/** How long it takes until a key has its whole rate on another relay than before. */
export async function measureMove(fleet: LimitedFleet): Promise<{ readonly row: Row; readonly ms: number }> {
  const key = await fleet.createKey({ downBitsPerSecond: mbit(20) });
  const first = await openMany(fleet, key, 0);
  await sleep(2500);
  for (const stream of first) stream.destroy();
  const startedMs = performance.now();
  const second = await openMany(fleet, key, 1);
  const windowMs = 250;
  const enough = (0.9 * RATE * windowMs) / 8000;
  let ms = Number.NaN;
  for (let before = received(second); performance.now() - startedMs < 10_000; ) {
    const atMs = performance.now();
    await sleep(windowMs);
    const now = received(second);
    if (((now - before) * windowMs) / (performance.now() - atMs) >= enough) {
      ms = performance.now() - startedMs;
      break;
    }
    before = now;
  }
  for (const stream of second) stream.destroy();
  return { row: { what: "rate moves to another relay", asked: "90 % of 20 Mbit/s", measured: "there", ms }, ms };
}

const openMany = (fleet: LimitedFleet, key: LimitedKey, relay: number): Promise<StreamClient[]> =>
  Promise.all(Array.from({ length: 8 }, () => fleet.openAt(key, "down", relay)));

export const received = (streams: readonly StreamClient[]): number => streams.reduce((sum, stream) => sum + stream.received, 0);
