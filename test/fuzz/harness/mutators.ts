import type { PseudoRandom } from "@shadowfleet/testkit";

type Mutator = (bytes: Buffer, random: PseudoRandom, other: Buffer, tokens: readonly string[]) => Buffer;

/** Values at which lengths, counts and types go wrong. */
const EDGES = [0, 1, 2, 3, 4, 5, 0x10, 0x20, 0x7f, 0x80, 0xfe, 0xff];
const WIDE_EDGES = [0, 1, 0xff, 0x100, 0x385, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xffee, 0xffff];
const LONGEST_INSERTION = 40;
/** An input that splices onto itself would double for ever. */
const LONGEST_INPUT = 70_000;

const pick = <T>(list: readonly T[], random: PseudoRandom): T => list[random.below(list.length)] as T;

function replaced(bytes: Buffer, start: number, end: number, middle: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, start), middle, bytes.subarray(end)]);
}

function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  if (bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

/** Half of all places are near the beginning, where headers are. */
function placeIn(length: number, random: PseudoRandom): number {
  return random.below(random.below(2) === 0 ? length : Math.min(length, 24));
}

function rangeIn(bytes: Buffer, random: PseudoRandom): [number, number] {
  const start = placeIn(bytes.length + 1, random);
  return [start, Math.min(bytes.length, start + 1 + random.below(random.below(4) === 0 ? bytes.length + 1 : 8))];
}

const MUTATORS: readonly Mutator[] = [
  function flipBit(bytes, random) {
    return changed(bytes, (copy) => {
      const at = placeIn(copy.length, random);
      copy[at] = copy[at]! ^ (1 << random.below(8));
    });
  },
  function setByte(bytes, random) {
    return changed(bytes, (copy) => {
      copy[placeIn(copy.length, random)] = random.below(2) === 0 ? pick(EDGES, random) : random.below(256);
    });
  },
  function lieAboutLength(bytes, random) {
    if (bytes.length < 2) return bytes;
    return changed(bytes, (copy) => copy.writeUInt16BE(pick(WIDE_EDGES, random), placeIn(copy.length - 1, random)));
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, placeIn(bytes.length + 1, random));
  },
  function insertBytes(bytes, random) {
    const at = placeIn(bytes.length + 1, random);
    return replaced(bytes, at, at, random.bytes(1 + random.below(LONGEST_INSERTION)));
  },
  function insertToken(bytes, random, _other, tokens) {
    if (tokens.length === 0) return bytes;
    const [start, end] = rangeIn(bytes, random);
    return replaced(bytes, start, random.below(2) === 0 ? start : end, Buffer.from(pick(tokens, random), "latin1"));
  },
  function removeRange(bytes, random) {
    return replaced(bytes, ...rangeIn(bytes, random), Buffer.alloc(0));
  },
  function repeatRange(bytes, random) {
    const [start, end] = rangeIn(bytes, random);
    const times = random.below(8) === 0 ? 40 : 1;
    return replaced(bytes, end, end, Buffer.concat(Array.from({ length: times }, () => bytes.subarray(start, end))));
  },
  function splice(bytes, random, other) {
    return Buffer.concat([bytes.subarray(0, placeIn(bytes.length + 1, random)), other.subarray(placeIn(other.length + 1, random))]);
  },
];

/** One change of one message. `other` is a message of another valid input. */
export function mutateBytes(bytes: Buffer, random: PseudoRandom, other: Buffer, tokens: readonly string[] = []): Buffer {
  const result = pick(MUTATORS, random)(bytes, random, other, tokens);
  return result.length > LONGEST_INPUT ? result.subarray(0, LONGEST_INPUT) : result;
}

/** Zero to six changes: of messages, and of their order. `other` is another valid input of the target. */
export function mutateParts(
  parts: readonly Buffer[],
  random: PseudoRandom,
  other: readonly Buffer[],
  tokens: readonly string[] = [],
): Buffer[] {
  const result = [...parts];
  for (let left = pick([0, 1, 1, 1, 1, 2, 3, 6], random); left > 0; left -= 1) {
    const at = random.below(Math.max(1, result.length));
    const spare = other.length === 0 ? Buffer.alloc(0) : pick(other, random);
    const kind = random.below(result.length > 1 ? 12 : 10);
    if (result.length === 0 || kind === 11) result.splice(at, 0, spare);
    else if (kind === 10) result.splice(at, random.below(2), result[random.below(result.length)]!);
    else result[at] = mutateBytes(result[at]!, random, spare, tokens);
  }
  return result;
}
