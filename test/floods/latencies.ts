/** How long each of a group's attempts took, and how many came to nothing. */
export interface Latencies {
  readonly name: string;
  readonly milliseconds: readonly number[];
  readonly failed: number;
}

export interface LatencyFigures {
  readonly p50: number;
  readonly p99: number;
  readonly served: number;
  readonly tried: number;
}

/** The smallest value that at least this share of all are not above (nearest rank). Throws on an empty list. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("a percentile of nothing");
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** A group in which nobody was served has no percentiles: Infinity. */
export function figuresOf({ milliseconds, failed }: Latencies): LatencyFigures {
  const served = milliseconds.length;
  const at = (share: number): number => (served === 0 ? Number.POSITIVE_INFINITY : percentile(milliseconds, share));
  return { p50: at(0.5), p99: at(0.99), served, tried: served + failed };
}
