import type { Left } from "./left.ts";
import { FIGURES, type FigureName, type Verdict } from "./series.ts";

const COLUMNS = ["part", "figure", "lowest", "highest", "grew by", "limit", "flat"];

/** One row a figure of a part, as docs/soak.md shows them. */
export function soakTable(verdicts: readonly Verdict[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(COLUMNS), line(COLUMNS.map(() => "---")), ...verdicts.map((verdict) => line(cellsOf(verdict)))].join("\n");
}

function cellsOf({ series, growth, limit, isFlat }: Verdict): string[] {
  const { part, figure, points } = series;
  const values = points.map(({ value }) => value);
  const shown = [Math.min(...values), Math.max(...values), growth, limit].map((value) => amount(figure, value));
  return [part, FIGURES[figure].label, ...shown, isFlat ? "yes" : "**no**"];
}

/** A value of the figure for people. */
export function amount(figure: FigureName, value: number): string {
  if (!Number.isFinite(value)) return "none";
  return FIGURES[figure].unit === "MB" ? `${(value / 1_000_000).toFixed(1)} MB` : value.toFixed(1).replace(/\.0$/, "");
}

export function leftText({ part, figure, count }: Left): string {
  return `left behind: ${part}, ${count} more ${FIGURES[figure].label}`;
}
