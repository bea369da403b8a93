import type { Latencies } from "./latencies.ts";

/** Clients that behave alike. */
export interface HonestGroup {
  readonly name: string;
  /** One request, to its answer, in milliseconds; undefined when none came in time. */
  readonly ask: (attempt: number) => Promise<number | undefined>;
}

/** Lets the groups take turns at an even rate, each asking whether or not the one before has its answer. */
export async function measureGroups(groups: readonly HonestGroup[], perSecond: number, seconds: number): Promise<Latencies[]> {
  const results = groups.map(({ name }) => ({ name, milliseconds: [] as number[], failed: 0 }));
  const attempts: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let n = 0; n < perSecond * seconds; n++) {
    const waitMs = startedMs + (n * 1000) / perSecond - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const which = n % groups.length;
    const keep = (milliseconds: number | undefined): void => {
      if (milliseconds === undefined) results[which]!.failed += 1;
      else results[which]!.milliseconds.push(milliseconds);
    };
    attempts.push(groups[which]!.ask(Math.floor(n / groups.length)).then(keep));
  }
  await Promise.all(attempts);
  return results;
}
