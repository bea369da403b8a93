/** Every limit of access keys, measured on three relays of two workers each for TCP and UDP: `node test/limits/run.ts [NAME…]` prints the table. */
import { disable, expiry } from "./cases/ends.ts";
import { outage, refusingOutage } from "./cases/outage.ts";
import { devices, sessions } from "./cases/places.ts";
import { cutDatagrams, cutLive, measureRestore, raise, throttle } from "./cases/quotas.ts";
import { measureMove, measureRate } from "./cases/rates.ts";
import { LimitedFleet } from "./limited-fleet.ts";
import { type Row, tableOf } from "./row.ts";

const SECONDS = 10;
const QUOTA_BYTES = 50_000_000;

type Case = (fleet: LimitedFleet) => Promise<readonly Row[]>;

const rate =
  (options: Omit<Parameters<typeof measureRate>[1], "seconds">): Case =>
  async (fleet) => [(await measureRate(fleet, { seconds: SECONDS, ...options })).row];

async function quota(fleet: LimitedFleet): Promise<readonly Row[]> {
  const cut = await cutLive(fleet, QUOTA_BYTES);
  const raised = await measureRestore(fleet, cut.key, "cut, quota raised", () => raise(fleet, cut.key, 2 * QUOTA_BYTES));
  const again = await cutLive(fleet, QUOTA_BYTES);
  const reset = await measureRestore(fleet, again.key, "cut, quota reset", () => fleet.resetQuota(again.key.id));
  const datagrams = await cutDatagrams(fleet, QUOTA_BYTES / 10);
  return [cut.row, raised.row, again.row, reset.row, datagrams.row];
}

async function throttled(fleet: LimitedFleet): Promise<readonly Row[]> {
  const { row, restored } = await throttle(fleet, SECONDS);
  return [row, restored];
}

const CASES: Readonly<Record<string, Case>> = {
  "down-1": rate({ direction: "down", connections: 1 }),
  "down-32": rate({ direction: "down", connections: 32 }),
  "up-1": rate({ direction: "up", connections: 1 }),
  "up-32": rate({ direction: "up", connections: 32 }),
  mixed: rate({ direction: "up", connections: 6, datagrams: 4_000_000 }),
  slow: rate({ direction: "down", connections: 1, bitsPerSecond: 64_000 }),
  move: async (fleet) => [(await measureMove(fleet)).row],
  quota,
  throttled,
  devices: async (fleet) => [(await devices(fleet)).row],
  sessions: async (fleet) => [(await sessions(fleet)).row],
  expiry: async (fleet) => [(await expiry(fleet)).row],
  disable: async (fleet) => [(await disable(fleet)).row],
  outage: async (fleet) => (await outage(fleet, SECONDS)).rows,
};

async function main(names: readonly string[]): Promise<void> {
  const wanted = names.length > 0 ? names : [...Object.keys(CASES), "refuse"];
  const rows: Row[] = [];
  const inOneFleet = wanted.filter((name) => name !== "refuse");
  if (inOneFleet.length > 0) {
    await using fleet = await LimitedFleet.start({ udpRelays: 1 });
    for (const name of inOneFleet) {
      const found = CASES[name];
      if (!found) throw new Error(`no case "${name}": ${Object.keys(CASES).join(", ")}, refuse`);
      const measured = await found(fleet);
      rows.push(...measured);
      for (const row of measured) console.error(`${name}: ${JSON.stringify(row)}`);
    }
  }
  if (wanted.includes("refuse")) {
    await using fleet = await LimitedFleet.start({ tcpRelays: 1, udpRelays: 0, whenUnavailable: "refuse" });
    rows.push((await refusingOutage(fleet)).row);
  }
  console.log(tableOf(rows));
}

await main(process.argv.slice(2));
