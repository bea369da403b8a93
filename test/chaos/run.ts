/**
 * The chaos suite: `node test/chaos/run.ts [--only ID,…] [--lasts SECONDS] [--random [--minutes N] [--seed N]]`. Lets every fault happen to a fleet of processes
 * under load, one after the other, and prints a table of what it cost; `--random` instead a sequence of faults, some two at a time. Exit code 1: a limit was not kept.
 */
import { parseArgs } from "node:util";
import { ChaosFleet } from "./chaos-fleet.ts";
import { chaosTable } from "./chaos-table.ts";
import { allFaults } from "./faults/all-faults.ts";
import { sufferFailover } from "./faults/failover.ts";
import { randomFaults } from "./random-faults.ts";
import { type ChaosResult, suffer } from "./suffer.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    lasts: { type: "string", default: "5" },
    random: { type: "boolean", default: false },
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const lastsMs = Number(values.lasts) * 1000;
const only = values.only?.split(",");
const results: ChaosResult[] = [];

function tell(result: ChaosResult): void {
  results.push(result);
  console.log(chaosTable([result]).split("\n").at(-1));
  for (const broken of result.broken) console.log(`  beyond its limits: ${broken}`);
}

async function oneByOne(chaos: ChaosFleet): Promise<void> {
  for (const fault of allFaults(chaos, lastsMs)) {
    if (!only || only.includes(fault.id)) tell(await suffer(chaos, fault));
  }
}

async function atRandom(chaos: ChaosFleet): Promise<void> {
  const seed = Number(values.seed);
  console.log(`seed ${seed}`);
  const untilMs = performance.now() + Number(values.minutes) * 60_000;
  const faults = randomFaults(chaos, seed);
  while (performance.now() < untilMs) {
    const fault = faults.next();
    console.log(fault.id);
    tell(await suffer(chaos, fault));
  }
}

if (only?.length !== 1 || only[0] !== "redis-failover") {
  await using chaos = await ChaosFleet.start();
  await (values.random ? atRandom(chaos) : oneByOne(chaos));
}
if (!values.random && (!only || only.includes("redis-failover"))) tell(await sufferFailover());
console.log(`\n${chaosTable(results)}`);
const bad = results.filter(({ broken }) => broken.length > 0);
console.log(`\n${results.length} faults, ${bad.length} beyond their limits`);
process.exit(bad.length > 0 || results.length === 0 ? 1 : 0);
