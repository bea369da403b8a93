/** One figure of one part of the fleet over time. */
export interface Series {
  readonly part: string;
  readonly figure: FigureName;
  readonly points: readonly Point[];
}

export interface Point {
  readonly seconds: number;
  readonly value: number;
}

interface Figure {
  readonly label: string;
  readonly unit: "MB" | "";
  /** How much more of it a run may end with than it began with, by the line through its points. */
  readonly growthLimit: number;
  /** Of memory the lowest points tell: what is above them is garbage that was not collected yet. */
  readonly isCollected: boolean;
}

const MB = 1_000_000;

/**
 * Resident memory follows what garbage once needed, and V8 gives it back late: the heap's floor is the sharper of the two. Heaps have room for what is
 * remembered up to a bound: salts in relays, 20,000 changes in management. Keys that expire are salts, kept for a minute: as many as connections came in it.
 */
export const FIGURES = {
  rss: { label: "resident memory", unit: "MB", growthLimit: 100 * MB, isCollected: true },
  heap: { label: "heap used", unit: "MB", growthLimit: 16 * MB, isCollected: true },
  descriptors: { label: "descriptors", unit: "", growthLimit: 8, isCollected: false },
  sockets: { label: "sockets and servers", unit: "", growthLimit: 8, isCollected: false },
  timers: { label: "timers", unit: "", growthLimit: 8, isCollected: false },
  redisKeys: { label: "keys that stay", unit: "", growthLimit: 16, isCollected: false },
  redisExpiring: { label: "keys that expire", unit: "", growthLimit: Number.POSITIVE_INFINITY, isCollected: false },
  redisMemory: { label: "memory used", unit: "MB", growthLimit: 8 * MB, isCollected: true },
} as const satisfies Record<string, Figure>;

export type FigureName = keyof typeof FIGURES;

const WINDOWS = 12;

/** The slope of the line of least squares, in units a second. Throws where there is no line. */
export function slopeOf(points: readonly Point[]): number {
  if (points.length < 2) throw new RangeError("a line through fewer than two points");
  const mean = (of: (point: Point) => number): number => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(({ seconds }) => seconds), mean(({ value }) => value)];
  const spread = points.reduce((sum, { seconds }) => sum + (seconds - x) ** 2, 0);
  if (spread === 0) throw new RangeError("a line through one moment");
  return points.reduce((sum, { seconds, value }) => sum + (seconds - x) * (value - y), 0) / spread;
}

/** The lowest point of each of a dozen windows. */
function lowest(points: readonly Point[]): Point[] {
  const [first, last] = [points[0]!.seconds, points.at(-1)!.seconds];
  const windows = Map.groupBy(points, ({ seconds }) => Math.min(WINDOWS - 1, Math.floor(((seconds - first) / (last - first)) * WINDOWS)));
  return [...windows.values()].map((window) => window.reduce((least, point) => (point.value < least.value ? point : least)));
}

/** What the figure grew by over the run, by the line through its points. */
export function growthOf({ figure, points }: Series): number {
  const counted = FIGURES[figure].isCollected ? lowest(points) : points;
  return slopeOf(counted) * (points.at(-1)!.seconds - points[0]!.seconds);
}

export interface Verdict {
  readonly series: Series;
  readonly growth: number;
  readonly limit: number;
  readonly isFlat: boolean;
}

export function judge(series: Series): Verdict {
  const growth = growthOf(series);
  const limit = FIGURES[series.figure].growthLimit;
  return { series, growth, limit, isFlat: growth <= limit };
}
