import { PseudoRandom } from "./pseudo-random.ts";

/** One way in which bytes can arrive. */
export interface Split {
  /** For assertion messages: "byte by byte", "at 17", "random 3 of seed 1". */
  readonly label: string;
  /** Together the bytes; none is empty. */
  readonly pieces: readonly Buffer[];
}

export interface SplitOptions {
  /** Seed of the random splits. Default 1. */
  readonly seed?: number;
  /** How many random splits. Default 20. */
  readonly randomSplits?: number;
}

/** Every way a parser should be fed: whole, byte by byte, at every offset in two, and at random offsets. */
export function* splitsOf(bytes: Buffer, options: SplitOptions = {}): Generator<Split> {
  yield { label: "whole", pieces: cut(bytes, []) };
  yield byteByByte(bytes);
  yield* twoWaySplits(bytes);
  yield* randomSplits(bytes, options.seed ?? 1, options.randomSplits ?? 20);
}

export function byteByByte(bytes: Buffer): Split {
  return { label: "byte by byte", pieces: cut(bytes, Array.from(bytes.keys())) };
}

/** Two pieces, at every offset from 1 to the last byte. */
export function* twoWaySplits(bytes: Buffer): Generator<Split> {
  for (let at = 1; at < bytes.length; at++) yield { label: `at ${at}`, pieces: cut(bytes, [at]) };
}

/** `count` splits at random offsets, half of them near the beginning, where headers are. */
export function* randomSplits(bytes: Buffer, seed: number, count: number): Generator<Split> {
  const random = new PseudoRandom(seed);
  for (let n = 0; n < count; n++) {
    const range = n % 2 === 0 ? bytes.length : Math.min(bytes.length, 128);
    const offsets = Array.from({ length: 1 + random.below(8) }, () => random.below(range));
    yield { label: `random ${n} of seed ${seed}`, pieces: cut(bytes, offsets) };
  }
}

function cut(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  const edges = [0, ...offsets.toSorted((a, b) => a - b), bytes.length];
  return edges.slice(1).flatMap((end, i) => (end > edges[i]! ? [bytes.subarray(edges[i], end)] : []));
}

const HEADROOM = 16;
const SPENT = 0xee;

/**
 * Feeds the pieces as socket reads come on the data path: each in the same buffer, somewhere in its middle, overwritten as soon as `push`
 * returns. A parser that keeps a reference to what it was given, or reads outside of [start, end), gets 0xEE. Stops early when `push`
 * returns something, and returns that; undefined when it never did.
 */
export function feed<T>(split: Split, push: (src: Buffer, start: number, end: number) => T | undefined): T | undefined {
  const longest = Math.max(0, ...split.pieces.map((piece) => piece.length));
  const readBuffer = Buffer.alloc(HEADROOM + longest + HEADROOM, SPENT);
  for (const [index, piece] of split.pieces.entries()) {
    const start = index % (HEADROOM + 1);
    piece.copy(readBuffer, start);
    const outcome = push(readBuffer, start, start + piece.length);
    readBuffer.fill(SPENT);
    if (outcome !== undefined) return outcome;
  }
  return undefined;
}
