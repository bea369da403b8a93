/** A Markdown table whose columns are padded, so that it reads well unrendered too. The first column is left-aligned, the others right. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(3, ...[title, ...rows.map((row) => row[column] ?? "")].map(widthOf)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(cells[column] ?? "", width, column === 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

function pad(text: string, width: number, isLeft: boolean): string {
  const filler = " ".repeat(width - widthOf(text));
  return isLeft ? text + filler : filler + text;
}

/** Every character used here is one cell wide. */
function widthOf(text: string): number {
  return [...text].length;
}
