/**
 * `node test/floods/run.ts [--seconds N] [--rounds N] [NAME…]`: every flood against services with their own caps, and the tables of docs/floods.md on
 * standard output. Bounded: the largest flood is 1,000 connections a second and 6,000 sockets, all on loopback.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { freePort, startEchoTarget } from "@shadowfleet/testkit";
import { describeMachine } from "../bench/report/machine.ts";
import { textTable } from "../bench/report/text-table.ts";
import type { GroupFinding } from "./experiment.ts";
import { startRelay } from "./flooded-service.ts";
import { floodGateway } from "./gateway-scenarios.ts";
import type { LatencyFigures } from "./latencies.ts";
import type { FloodReport, Scale } from "./scenario.ts";
import { addresses, FLOODER, floodTcpRelay, type TcpFloodOptions } from "./tcp-scenarios.ts";
import { floodUdpRelay } from "./udp-scenarios.ts";

const HANDSHAKE_MS = 5_000;
const MIB = 2 ** 20;
const MANY = addresses(200);
const FEW = addresses(16);

const { values, positionals } = parseArgs({
  options: { seconds: { type: "string", default: "6" }, rounds: { type: "string", default: "3" } },
  allowPositionals: true,
});
const scale: Scale = { seconds: Number(values.seconds), quietSeconds: Number(values.seconds) };

/** Each relay is a new one: a flood must not find what another has left behind. */
async function tcp(options: TcpFloodOptions, limits: object = {}): Promise<FloodReport> {
  await using target = await startEchoTarget();
  await using relay = await startRelay("tcp-relay", await freePort(), { limits, timeouts: { handshake: `${HANDSHAKE_MS}ms` } });
  return await floodTcpRelay(options, { relay, target, handshakeMs: HANDSHAKE_MS }, scale);
}

async function gateway(): Promise<FloodReport> {
  await using target = await startEchoTarget();
  await using relay = await startRelay("tcp-relay", await freePort());
  return await floodGateway({ name: "gateway: silent", perSecond: 500 }, { relay, target, handshakeMs: HANDSHAKE_MS }, scale);
}

const wrong = (sources: readonly string[], perSecond: number) => ({
  kind: "wrong-handshakes" as const,
  sources,
  perSecond,
  maxOpen: 6_000,
});
const SCENARIOS: readonly (readonly [string, (name: string) => Promise<FloodReport>])[] = [
  ["wrong handshakes, 1 address", (name) => tcp({ name, flood: wrong([FLOODER], 400) })],
  ["the same, newcomers", (name) => tcp({ name, flood: wrong([FLOODER], 400), honest: "newcomers" })],
  ["the same without the budget", (name) => tcp({ name, flood: wrong([FLOODER], 400) }, { keyTrialsPerSource: 1e9, keyTrials: 1e9 })],
  ["wrong handshakes, 200 addresses", (name) => tcp({ name, flood: wrong(MANY, 400) })],
  ["the same, newcomers, 200 addresses", (name) => tcp({ name, flood: wrong(MANY, 400), honest: "newcomers" })],
  ["silent, 1 address", (name) => tcp({ name, flood: { kind: "silent-connections", sources: [FLOODER], perSecond: 500, maxOpen: 6_000 } })],
  ["silent, 16 addresses", (name) => tcp({ name, flood: { kind: "silent-connections", sources: FEW, perSecond: 1_000, maxOpen: 6_000 } })],
  ["slow-drip, 16 addresses", (name) => tcp({ name, flood: { kind: "slow-drip", sources: FEW, perSecond: 300, maxOpen: 6_000 } })],
  [
    "half handshakes, 16 addresses",
    (name) => tcp({ name, flood: { kind: "half-handshakes", sources: FEW, perSecond: 500, maxOpen: 6_000 } }),
  ],
  ["UDP sessions of one key", (name) => floodUdpRelay({ name, flood: { kind: "udp-sessions", perSecond: 1_000, maxOpen: 4_000 } }, scale)],
  ["wrong datagrams, 1 address", (name) => floodUdpRelay({ name, flood: { kind: "udp-wrong", perSecond: 1_000, maxOpen: 1 } }, scale)],
  ["gateway: silent", () => gateway()],
];

const ms = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : "–");
const mib = (bytes: number): string => String(Math.round(bytes / MIB));

/** Of each group the round with the lowest p99, quiet and flooded: what else the machine does only ever adds. All attempts count as tried. */
function bestOf(rounds: readonly FloodReport[]): GroupFinding[] {
  const best = (figures: readonly LatencyFigures[]): LatencyFigures => {
    const lowest = figures.toSorted((a, b) => a.p99 - b.p99)[0]!;
    const sum = (field: "served" | "tried"): number => figures.reduce((total, figure) => total + figure[field], 0);
    return { ...lowest, served: sum("served"), tried: sum("tried") };
  };
  return rounds[0]!.groups.map(({ name }, at) => ({
    name,
    quiet: best(rounds.map(({ groups }) => groups[at]!.quiet)),
    flooded: best(rounds.map(({ groups }) => groups[at]!.flooded)),
  }));
}

function honestRows({ name, groups }: FloodReport): string[][] {
  return groups.map(({ name: who, quiet, flooded }) => [
    name,
    who,
    `${ms(quiet.p50)} / ${ms(quiet.p99)}`,
    `${ms(flooded.p50)} / ${ms(flooded.p99)}`,
    Number.isFinite(flooded.p99) ? (flooded.p99 / quiet.p99).toFixed(2) : "–",
    `${flooded.served} / ${flooded.tried}`,
  ]);
}

function serviceRow({ name, flood, held, left, usage, rssBeforeBytes, rssAfterBytes, outcomes }: FloodReport): string[] {
  const counts = Object.entries(outcomes).filter(([, count]) => count > 0);
  return [
    name,
    `${flood.sent} / ${flood.refused} / ${flood.answeredBytes}`,
    `${held} / ${left}`,
    usage.cpuShare.toFixed(2),
    [rssBeforeBytes, usage.peakRssBytes, rssAfterBytes].map(mib).join(" / "),
    counts.map(([code, count]) => `${count} ${code}`).join(", ") || "–",
  ];
}

const wanted = SCENARIOS.filter(([name]) => positionals.length === 0 || positionals.some((part) => name.includes(part)));
if (wanted.length === 0) throw new Error(`no flood of that name; there are: ${SCENARIOS.map(([name]) => name).join("; ")}`);
const reports: FloodReport[] = [];
for (const [name, run] of wanted) {
  const load = loadavg()[0]?.toFixed(1);
  const rounds: FloodReport[] = [];
  while (rounds.length < Number(values.rounds)) rounds.push(await run(name));
  const report = { ...rounds.at(-1)!, groups: bestOf(rounds) };
  reports.push(report);
  for (const row of [...honestRows(report), serviceRow(report)]) process.stderr.write(`load ${load}: ${row.join(" | ")}\n`);
}
const { cpu, cores, kernel, maxDescriptors } = describeMachine();
console.log(
  `${cpu}, ${cores} cores, kernel ${kernel}, ${maxDescriptors} descriptors; ${values.rounds} rounds of ${values.seconds} s quiet and ${values.seconds} s flooded each\n`,
);
console.log(
  textTable(["flood", "honest client", "quiet p50 / p99 ms", "flooded p50 / p99 ms", "p99 ×", "served"], reports.flatMap(honestRows)),
);
console.log();
console.log(
  textTable(
    ["flood", "sent / refused / bytes answered", "held / left", "CPU", "RSS MiB before / peak / after", "its end"],
    reports.map(serviceRow),
  ),
);
