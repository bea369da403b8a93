import { printable, textWidth } from "./text-width.ts";

/** A column: its title and, for numbers, that they end at the same place. */
export interface Column {
  readonly title: string;
  readonly align?: "right";
}

const GAP = "  ";

/** Lines of a table, titles first; cells are made printable. Without rows only the titles. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const texts = rows.map((row) => columns.map((_, index) => printable(row[index] ?? "")));
  const lines = [columns.map(({ title }) => title), ...texts];
  const widths = columns.map((_, index) => lines.reduce((widest, line) => Math.max(widest, textWidth(line[index] ?? "")), 0));
  return lines.map((line) =>
    columns
      .map(({ align }, index) => padded(line[index] ?? "", widths[index] ?? 0, align))
      .join(GAP)
      .trimEnd(),
  );
}

/** Lines of "name  value", one for every pair whose value is not undefined. */
export function pairLines(pairs: readonly (readonly [name: string, value: string | undefined])[]): string[] {
  const shown = pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, printable(value)] as const]));
  const width = Math.max(0, ...shown.map(([name]) => textWidth(name)));
  return shown.map(([name, value]) => `${padded(name, width)}${GAP}${value}`.trimEnd());
}

function padded(text: string, width: number, align?: "right"): string {
  const fill = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "right" ? fill + text : text + fill;
}
