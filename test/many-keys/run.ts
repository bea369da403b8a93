/**
 * `node test/many-keys/run.ts [--connections N]`: what many access keys on one port cost, with identity headers (SIP023) and by trial decryption (SIP004). Real
 * processes on loopback: redis-server, management, tcp-relay, udp-relay; prints the tables of docs/many-keys.md and fails when a byte is counted wrongly.
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { crowdTable, measureCrowd, type Plan, strangerLines } from "./crowd-figures.ts";
import type { Lookup } from "./point.ts";

const { values } = parseArgs({ options: { connections: { type: "string", default: "1000" } } });
const connections = Number(values.connections);
const ASSOCIATIONS = 200;
const STRANGERS = 400;
const KEY_COUNTS = [1, 100, 1_000, 10_000];

const plansOf = (lookup: Lookup): Plan[] =>
  KEY_COUNTS.map((keys) => ({ lookup, keys, connections, associations: Math.min(keys, ASSOCIATIONS) }));
const trials = plansOf("SIP004").map((plan) => (plan.keys > 1 ? { ...plan, strangers: STRANGERS } : plan));
const { figures, counted, expected } = await measureCrowd([...plansOf("SIP023"), ...trials]);

assert.deepEqual(new Map([...counted].sort()), new Map([...expected].sort()));
for (const { plan, first, again, udpAnswered } of figures)
  assert.deepEqual([first.latency.served, again.latency.served, udpAnswered], [plan.connections, plan.connections, plan.associations]);
const bytes = [...counted.values()].flat().reduce((sum, count) => sum + count, 0);
process.stdout.write(
  `${[crowdTable(figures), "", ...strangerLines(figures), "", `${counted.size} keys counted exactly, ${bytes} bytes in all`].join("\n")}\n`,
);
