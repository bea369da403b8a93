import { LOAD_COLUMNS, loadCells, seconds, tableOf } from "../traffic/fault-figures.ts";
import { limitsText, miscounted, recoveryMs } from "./limits.ts";
import type { ChaosResult } from "./suffer.ts";

const COLUMNS = [...LOAD_COLUMNS, "bytes moved", "bytes miscounted", "well again after repair", "limit", "kept"];

/** One row a fault, as docs/chaos.md shows them. */
export function chaosTable(results: readonly ChaosResult[]): string {
  return tableOf(COLUMNS, results.map(cellsOf));
}

function cellsOf({ figures, limits, broken }: ChaosResult): string[] {
  const wellMs = recoveryMs(figures);
  return [
    ...loadCells(figures),
    figures.balance.received.toLocaleString("en"),
    miscounted(figures).toLocaleString("en"),
    wellMs === 0 ? "at once" : seconds(wellMs),
    limitsText(limits),
    broken.length === 0 ? "yes" : "**no**",
  ];
}
