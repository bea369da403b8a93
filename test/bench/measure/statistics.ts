/** What several rounds say. */
export interface Summary {
  readonly median: number;
  /** The lowest and the highest round: the spread. */
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}

/** The middle value, or the mean of the two middle ones. Throws on an empty list: no figure is not a figure. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the median of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Throws on an empty list. */
export function summarize(values: readonly number[]): Summary {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values), rounds: values.length };
}

/**
 * The ratio ours : theirs of each round, summarized. Rounds are paired because neighbours in time had the same machine: the median of ratios
 * holds where the ratio of medians drifts. Throws when the lists differ in length, are empty, or a round of theirs is not positive.
 */
export function summarizeRatios(ours: readonly number[], theirs: readonly number[]): Summary {
  if (ours.length !== theirs.length) throw new RangeError(`${ours.length} rounds against ${theirs.length}`);
  return summarize(ours.map((value, round) => ratio(value, theirs[round]!)));
}

function ratio(value: number, base: number): number {
  if (!(base > 0)) throw new RangeError(`a ratio to ${base}`);
  return value / base;
}
