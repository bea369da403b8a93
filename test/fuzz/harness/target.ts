import type { PseudoRandom } from "@shadowfleet/testkit";

/** What one execution is fed: messages in the clear, and a number that decides all the rest (keys, splits, damage on the way). */
export interface FuzzInput {
  readonly parts: readonly Buffer[];
  /** Seed of the random numbers that `execute` gets. */
  readonly choice: number;
}

/**
 * One parser under attack. `execute` throws when an invariant does not hold, and never for what an input says: it returns what came of it, "ok…"
 * for accepted inputs and the failure's code otherwise.
 */
export interface FuzzTarget {
  readonly name: string;
  /** Outcomes that some thousand inputs must have seen: a target that never gets past the first check proves nothing. */
  readonly reaches: readonly string[];
  /** Words of the format, which mutations insert. */
  readonly tokens?: readonly string[];
  /** The generator mutates already, on a tree or by fields: bytes are damaged in one input of three only. */
  readonly isStructured?: boolean;
  /** How many inputs make one unit of work; fewer for slow targets. Default 4,000. */
  readonly unit?: number;
  /** Bytes the process may hold more after many units than after the first. Default 48 MiB. */
  readonly heapAllowance?: number;
  /** A valid input. */
  generate(random: PseudoRandom): Buffer[];
  execute(parts: readonly Buffer[], random: PseudoRandom): string | Promise<string>;
  /** What the unit built up is given up. */
  close?(): Promise<void>;
}

export const UNIT_INPUTS = 4_000;

export const isAccepted = (outcome: string): boolean => outcome.startsWith("ok");
