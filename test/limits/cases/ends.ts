import { withDeadline } from "@shadowfleet/testkit";
import type { LimitedFleet } from "../limited-fleet.ts";
import { type Row, sleep } from "../row.ts";

const DEADLINE_MS = 30_000;

export interface EndOutcome {
  readonly row: Row;
  readonly ms: number;
}

/** How long live downloads on all relays outlast the end of their key. `end` makes it, and says when it was due; performance.now(). */
async function measureEnd(fleet: LimitedFleet, what: string, end: (id: string) => Promise<number>): Promise<EndOutcome> {
  const key = await fleet.createKey({ downBitsPerSecond: 20_000_000n });
  const streams = [...(await fleet.open(key, "down", 6)), ...(await fleet.open(key, "quiet", 3))];
  await sleep(500);
  const dueMs = await end(key.id);
  const ends = await withDeadline(Promise.all(streams.map(({ closed }) => closed)), DEADLINE_MS, "the end of every session");
  const ms = Math.max(...ends) - dueMs;
  return { row: { what, asked: "9 sessions on all relays end", measured: "ended", ms }, ms };
}

export function expiry(fleet: LimitedFleet): Promise<EndOutcome> {
  return measureEnd(fleet, "expiry", async (id) => {
    const inMs = 1500;
    const dueMs = performance.now() + inMs;
    await fleet.update(id, { expireTime: new Date(Date.now() + inMs) }, "expire_time");
    return dueMs;
  });
}

export function disable(fleet: LimitedFleet): Promise<EndOutcome> {
  return measureEnd(fleet, "disabled", async (id) => {
    const dueMs = performance.now();
    await fleet.update(id, { disabled: true }, "disabled");
    return dueMs;
  });
}
