import { CrowdedFleet } from "./crowded-fleet.ts";
import { createPoint, type Lookup } from "./point.ts";
import { intrude, type Visits, visit, visitByUdp } from "./visits.ts";

/** What is measured at one number of keys. */
export interface Plan {
  readonly lookup: Lookup;
  readonly keys: number;
  /** TCP connections, each from an address of its own; then as many again. */
  readonly connections: number;
  readonly associations: number;
  /** Connections without a key. */
  readonly strangers?: number;
}

export interface CrowdFigures {
  readonly plan: Plan;
  /** The first connection of every address. */
  readonly first: Visits;
  /** The second one. */
  readonly again: Visits;
  readonly udpAnswered: number;
  readonly strangers: { readonly cpuSeconds: number; readonly served: Visits } | undefined;
}

export interface Crowd {
  readonly figures: readonly CrowdFigures[];
  readonly expected: ReadonlyMap<string, readonly number[]>;
  readonly counted: ReadonlyMap<string, readonly number[]>;
}

/** All plans on one fleet, a port each, one after another; then the books. */
export async function measureCrowd(plans: readonly Plan[]): Promise<Crowd> {
  const points = await Promise.all(plans.map(({ lookup, keys }) => createPoint(lookup, keys)));
  await using fleet = await CrowdedFleet.start(points);
  const figures: CrowdFigures[] = [];
  for (const [place, plan] of plans.entries()) {
    const point = points[place]!;
    const first = await visit(fleet, point, place, plan.connections);
    const again = await visit(fleet, point, place, plan.connections);
    const udpAnswered = await visitByUdp(fleet, point, place, plan.associations);
    // Those who have a key come while the others still owe for their trials.
    const cpuSeconds = plan.strangers && (await intrude(fleet, point, plans.length + place, plan.strangers));
    const strangers = cpuSeconds === undefined ? undefined : { cpuSeconds, served: await visit(fleet, point, place, plan.connections) };
    figures.push({ plan, first, again, udpAnswered, strangers });
  }
  return { figures, counted: await fleet.counted(), expected: fleet.expected };
}

/** A Markdown table of the figures. */
export function crowdTable(figures: readonly CrowdFigures[]): string {
  const milliseconds = ({ latency }: Visits): string => `${latency.p50.toFixed(2)} / ${latency.p99.toFixed(2)}`;
  const cells = ({ plan, first, again }: CrowdFigures): readonly string[] => [
    plan.lookup,
    plan.keys.toLocaleString("en"),
    milliseconds(first),
    first.cpuMicroseconds.toFixed(0),
    milliseconds(again),
    again.cpuMicroseconds.toFixed(0),
  ];
  return [
    "| keys found by | keys | first connection of an address: first byte p50 / p99, ms | CPU, µs | later ones: first byte p50 / p99, ms | CPU, µs |",
    "|---|--:|--:|--:|--:|--:|",
    ...figures.map((one) => `| ${cells(one).join(" | ")} |`),
  ].join("\n");
}

/** What strangers cost; empty where there were none. */
export function strangerLines(figures: readonly CrowdFigures[]): string[] {
  return figures.flatMap(({ plan, strangers }) => {
    if (!strangers) return [];
    const { served, tried, p99 } = strangers.served.latency;
    const cost = `${((strangers.cpuSeconds * 1e3) / (plan.strangers ?? 1)).toFixed(2)} ms of CPU each`;
    return [
      `${plan.lookup}, ${plan.keys} keys: ${plan.strangers} connections without a key cost ${cost}; right behind them ${served} of ${tried} clients known to the relay were served, p99 ${p99.toFixed(2)} ms`,
    ];
  });
}
