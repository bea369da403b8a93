/**
 * Probes two relays of a fleet and prints what probers see. `--long`: the real waits of 59 and 61 s, and a deadline of 10 s. `--seed N`.
 * Exits 1 when anything tells one cause from another.
 */
import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.ts";
import { differences, formatTables, rowsOf } from "./probe-table.ts";
import { ProbedFleet } from "./probed-fleet.ts";

const { values } = parseArgs({ options: { long: { type: "boolean", default: false }, seed: { type: "string", default: "1" } } });
const handshakeMs = values.long ? 10_000 : 2_000;
const delaysS = values.long ? [0, 1, 59, 61] : [0, 1];

await using fleet = await ProbedFleet.start({ handshakeMs });
const rows = rowsOf(await runCampaign(fleet, { seed: Number(values.seed), delaysS }));
const found = differences(rows, handshakeMs);
const total = rows.reduce((sum, { count }) => sum + count, 0);
console.log(formatTables(rows));
console.log(`${total} connections, handshake deadline ${handshakeMs / 1000} s, seed ${values.seed}: ${found.length || "no"} difference(s)`);
for (const difference of found) console.log(`- ${difference}`);
process.exitCode = found.length > 0 ? 1 : 0;
