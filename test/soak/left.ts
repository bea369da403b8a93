import type { FigureName } from "./series.ts";

type Reading = ReadonlyMap<string, Partial<Record<FigureName, number>>>;

/** Something that is still held. */
export interface Left {
  readonly part: string;
  readonly figure: FigureName;
  readonly count: number;
}

/** What ends when nobody uses it. A connection to Redis or management may be in the making at either reading. */
const ALLOWED: Partial<Record<FigureName, number>> = { descriptors: 3, sockets: 3, timers: 3, redisKeys: 12 };

/** More in the second reading than in the first, both made while nothing moves. */
export function leftOf(before: Reading, after: Reading): Left[] {
  return [...after].flatMap(([part, figures]) =>
    (Object.entries(ALLOWED) as [FigureName, number][]).flatMap(([figure, allowed]) => {
      const count = (figures[figure] ?? 0) - (before.get(part)?.[figure] ?? 0);
      return count > allowed ? [{ part, figure, count }] : [];
    }),
  );
}
