import { escapeXml } from "../bench/report/plot.ts";
import { FIGURES, type FigureName, type Point, type Verdict } from "./series.ts";
import { amount } from "./soak-table.ts";

const CELL = { width: 190, height: 110 };
const MARGIN = { left: 130, top: 64 };
const INSET = { x: 10, top: 24, bottom: 14 };
const COLOURS = { flat: "#2e8b57", grown: "#c0392b" };

/** Small plots: a row a part, a column a figure, each from zero to its highest value. A string of SVG. */
export function soakPlot(verdicts: readonly Verdict[]): string {
  const rows = [...Map.groupBy(verdicts, ({ series }) => series.part)];
  const columns = Math.max(...rows.map(([, cells]) => cells.length));
  const [width, height] = [MARGIN.left + columns * CELL.width, MARGIN.top + rows.length * CELL.height];
  const minutes = Math.round((verdicts[0]!.series.points.at(-1)!.seconds - verdicts[0]!.series.points[0]!.seconds) / 60);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11" fill="#222">`,
    "<title>What a fleet under churn holds</title>",
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="12" y="22" font-size="15" font-weight="600">What a fleet under churn holds, for ${minutes} minutes</text>`,
    `<text x="12" y="40" fill="#666">Each plot begins at zero; the figure is the highest value. Green: flat by its limit. Red: it grows.</text>`,
    ...rows.map(([part, cells], row) => drawRow(part, cells, MARGIN.top + row * CELL.height)),
    "</svg>\n",
  ].join("\n");
}

function drawRow(part: string, cells: readonly Verdict[], top: number): string {
  const label = `<text x="12" y="${top + CELL.height / 2}" font-weight="600">${escapeXml(part)}</text>`;
  return [label, ...cells.map((cell, column) => drawCell(cell, MARGIN.left + column * CELL.width, top))].join("\n");
}

function drawCell({ series, isFlat }: Verdict, left: number, top: number): string {
  const { figure, points } = series;
  const highest = Math.max(...points.map(({ value }) => value));
  const caption = `${FIGURES[figure as FigureName].label}, ${amount(figure, highest)}`;
  const [bottom, right] = [top + CELL.height - INSET.bottom, left + CELL.width - INSET.x];
  return [
    `<text x="${left + INSET.x}" y="${top + 14}" fill="#666">${escapeXml(caption)}</text>`,
    `<line x1="${left + INSET.x}" y1="${bottom}" x2="${right}" y2="${bottom}" stroke="#e4e4e4"/>`,
    `<polyline fill="none" stroke="${isFlat ? COLOURS.flat : COLOURS.grown}" stroke-width="1.2" points="${pathOf(points, highest, left, top)}"/>`,
  ].join("");
}

function pathOf(points: readonly Point[], highest: number, left: number, top: number): string {
  const [first, last] = [points[0]!.seconds, points.at(-1)!.seconds];
  const [width, height] = [CELL.width - 2 * INSET.x, CELL.height - INSET.top - INSET.bottom];
  const place = ({ seconds, value }: Point): string => {
    const x = left + INSET.x + ((seconds - first) / (last - first || 1)) * width;
    const y = top + INSET.top + (1 - value / (highest || 1)) * height;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  return points.map(place).join(" ");
}
