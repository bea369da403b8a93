/** Highest failCnt a server can reach (field: the ancestor's maxFailCnt). */
export const MAX_FAIL_COUNT = 30;

/**
 * failCnt per upstream. Reading and writing never wait: an implementation that shares the counts keeps a local copy and reconciles behind it.
 */
export interface FailCounts {
  /** 0 for an upstream never heard of. */
  get(upstreamId: string): number;
  /** Adds 1, at most to MAX_FAIL_COUNT; returns the new count. */
  fail(upstreamId: string): number;
  /** Back to 0. */
  succeed(upstreamId: string): void;
}

/** The counts of one process. */
export class MemoryFailCounts implements FailCounts {
  readonly #counts = new Map<string, number>();

  get(upstreamId: string): number {
    return this.#counts.get(upstreamId) ?? 0;
  }

  fail(upstreamId: string): number {
    const count = Math.min(this.get(upstreamId) + 1, MAX_FAIL_COUNT);
    this.#counts.set(upstreamId, count);
    return count;
  }

  succeed(upstreamId: string): void {
    this.#counts.delete(upstreamId);
  }
}
