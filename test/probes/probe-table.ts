import type { Sighting } from "./campaign.ts";
import type { Ending } from "./recipes.ts";

/** The relay looks at its deadlines in these steps: where in one a connection falls is decided by when it began, not by why it fails. */
const stepMs = (deadlineMs: number): number => Math.min(1_000, deadlineMs / 8);
/** Medians of causes may lie a step apart, and so much more, and as much more as the busy machine makes all of them late. */
const SPREAD_MS = 350;
/** Timers of Node may fire a little before their time. */
const EARLY_MS = 20;
const LATE_MS = 10_000;
const ENDINGS: Readonly<Record<Ending, string>> = { waits: "", ends: ", **then FIN**", "writes on": ", **past the deadline**" };

/** All connections of one cause to one port. */
export interface ProbeRow extends Pick<Sighting, "method" | "cause" | "ending"> {
  readonly count: number;
  readonly bytes: number;
  readonly closes: Readonly<Record<Sighting["close"], number>>;
  /** When they were closed, in order. */
  readonly times: readonly number[];
}

export function rowsOf(sightings: readonly Sighting[]): ProbeRow[] {
  const groups = Map.groupBy(sightings, ({ method, cause, ending }) => `${method}\0${ending}\0${cause}`);
  return [...groups.values()].map((same): ProbeRow => {
    const { method, cause, ending } = same[0]!;
    const times = same.map(({ closedAfterMs }) => closedAfterMs).sort((a, b) => a - b);
    const count = (close: Sighting["close"]) => same.filter((sighting) => sighting.close === close).length;
    return {
      method,
      cause,
      ending,
      count: same.length,
      bytes: same.reduce((sum, { bytes }) => sum + bytes, 0),
      closes: { fin: count("fin"), rst: count("rst"), none: count("none") },
      times,
    };
  });
}

/** Whatever tells one cause from another; empty when nothing does. */
export function differences(rows: readonly ProbeRow[], deadlineMs: number): string[] {
  const found: string[] = [];
  for (const { method, cause, ending, count, bytes, closes, times } of rows) {
    const [minMs, maxMs] = [times[0]!, times.at(-1)!];
    const name = `${method}: ${cause} (${ending})`;
    if (bytes > 0) found.push(`${name}: ${bytes} bytes came back`);
    // What is still on its way when the relay closes is answered with a reset by the kernel, whatever it is.
    const closed = ending === "writes on" ? closes.fin + closes.rst : closes.fin;
    if (closed < count) found.push(`${name}: ${closes.rst} resets, ${closes.none} left open`);
    if (ending !== "ends" && minMs < deadlineMs - EARLY_MS) found.push(`${name}: closed after ${Math.round(minMs)} ms`);
    if (maxMs > (ending === "ends" ? 0 : deadlineMs) + LATE_MS) found.push(`${name}: closed only after ${Math.round(maxMs)} ms`);
  }
  for (const [group, alike] of Map.groupBy(rows, ({ method, ending }) => `${method} (${ending})`)) {
    const dueMs = alike[0]!.ending === "ends" ? 0 : deadlineMs + stepMs(deadlineMs);
    const all = alike.flatMap(({ times }) => times).sort((a, b) => a - b);
    const noiseMs = Math.max(0, quantile(all, 0.95) - dueMs);
    const medians = alike.map(({ times }) => quantile(times, 0.5)).sort((a, b) => a - b);
    const spreadMs = medians.at(-1)! - medians[0]!;
    const allowedMs = stepMs(deadlineMs) + SPREAD_MS + noiseMs;
    if (spreadMs > allowedMs) found.push(`${group}: medians are ${Math.round(spreadMs)} ms apart, not ${Math.round(allowedMs)}`);
  }
  return found;
}

/** One table for each port, as Markdown. */
export function formatTables(rows: readonly ProbeRow[]): string {
  const order = Object.keys(ENDINGS);
  const tables = [...Map.groupBy(rows, ({ method }) => method)].sort().map(([method, ofPort]) => {
    const lines = ofPort
      .toSorted((a, b) => order.indexOf(a.ending) - order.indexOf(b.ending) || a.cause.localeCompare(b.cause, "en"))
      .map(({ cause, ending, count, bytes, closes, times }) => {
        const when = [times[0]!, quantile(times, 0.5), times.at(-1)!].map((ms) => (ms / 1000).toFixed(2)).join(" / ");
        return `| ${cause}${ENDINGS[ending]} | ${count} | ${bytes} | ${closes.fin} | ${closes.rst} | ${closes.none} | ${when} |`;
      });
    return [
      `### ${method}`,
      "",
      "| cause | connections | bytes back | FIN | RST | open | closed after, s: least / median / most |",
      "|---|---|---|---|---|---|---|",
      ...lines,
    ].join("\n");
  });
  return `${tables.join("\n\n")}\n`;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)]!;
}
