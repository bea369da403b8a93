import { limitsText, miscounted, recoveryMs } from "./limits.ts";
import type { ChaosResult } from "./suffer.ts";

const COLUMNS = [
  "fault",
  "lasted",
  "long sessions kept / lost",
  "short connections failed + late / all",
  "datagrams unanswered / all",
  "bytes moved",
  "bytes miscounted",
  "well again after repair",
  "limit",
  "kept",
];

/** One row a fault, as docs/chaos.md shows them. */
export function chaosTable(results: readonly ChaosResult[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(COLUMNS), line(COLUMNS.map(() => "---")), ...results.map((result) => line(cellsOf(result)))].join("\n");
}

function cellsOf({ figures, limits, broken }: ChaosResult): string[] {
  const { fault, lastedMs, flows, short, datagrams, balance } = figures;
  const wellMs = recoveryMs(figures);
  return [
    fault,
    seconds(lastedMs),
    `${flows.kept} / ${flows.lost}`,
    `${short.failed} + ${short.late} / ${short.total}`,
    `${datagrams.unanswered} / ${datagrams.total}`,
    balance.received.toLocaleString("en"),
    miscounted(figures).toLocaleString("en"),
    wellMs === 0 ? "at once" : seconds(wellMs),
    limitsText(limits),
    broken.length === 0 ? "yes" : "**no**",
  ];
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
