import type { Figures, Rounds } from "./figures.ts";

/**
 * Takes turns: A B A B …, so that whatever else the machine does meets all sides alike. Each element of `Rounds` has one entry per round.
 * Rejects with the first failure, which says whose turn it was.
 */
export async function interleave(
  names: readonly string[],
  rounds: number,
  measure: (name: string, round: number) => Promise<Figures>,
): Promise<Rounds> {
  const taken = new Map<string, Figures[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      try {
        taken.get(name)!.push(await measure(name, round));
      } catch (error) {
        throw new Error(`${name}, round ${round + 1}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
  return taken;
}

/** The rounds of both, for the same sides. */
export function mergeRounds(first: Rounds, second: Rounds): Rounds {
  return new Map([...first].map(([name, rounds]) => [name, [...rounds, ...(second.get(name) ?? [])]]));
}
