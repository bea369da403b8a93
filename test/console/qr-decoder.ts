/**
 * Reads a QR code (ISO/IEC 18004) of level M whose modules are all as they were meant, so it needs no error correction. Modules by row, true
 * is dark. For tests: what a telephone would read.
 */
export function decodeQr(modules: readonly (readonly boolean[])[]): string {
  const size = modules.length;
  const version = (size - 17) / 4;
  const mask = MASKS[maskOf(modules)]!;
  const bits: boolean[] = [];
  for (const [row, column] of zigzag(size)) {
    if (!isFunction(row, column, version)) bits.push(modules[row]![column]! !== mask(row, column));
  }
  const codewords = Array.from({ length: Math.floor(bits.length / 8) }, (_, at) => numberOf(bits.slice(at * 8, at * 8 + 8)));
  return textOf(dataOf(codewords, version), version);
}

const MASKS: readonly ((row: number, column: number) => boolean)[] = [
  (r, c) => (r + c) % 2 === 0,
  (r) => r % 2 === 0,
  (_, c) => c % 3 === 0,
  (r, c) => (r + c) % 3 === 0,
  (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
  (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
  (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
];
/** Of level M, by version from 1 on: error correction codewords of a block, and blocks. */
const CORRECTION = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
/** Format information is xored with 101010000010010. */
const FORMAT_MASK = [true, false, true, false, true];

const numberOf = (bits: readonly boolean[]): number => bits.reduce((value, bit) => value * 2 + Number(bit), 0);

/** The first five format bits, beside the upper left finder: level (00 is M) and mask. */
function maskOf(modules: readonly (readonly boolean[])[]): number {
  const format = FORMAT_MASK.map((flip, column) => modules[8]![column]! !== flip);
  if (numberOf(format.slice(0, 2)) !== 0) throw new Error("not of level M");
  return numberOf(format.slice(2));
}

/** Two columns at a time from the right, up and down in turn; the vertical timing pattern is skipped. */
function* zigzag(size: number): Generator<readonly [number, number]> {
  let isUp = true;
  for (let right = size - 1; right > 0; right -= 2, isUp = !isUp) {
    if (right === 6) right--;
    for (let step = 0; step < size; step++) {
      const row = isUp ? size - 1 - step : step;
      yield [row, right];
      yield [row, right - 1];
    }
  }
}

function isFunction(row: number, column: number, version: number): boolean {
  const size = version * 4 + 17;
  const isFinder = (row < 9 && column < 9) || (row < 9 && column >= size - 8) || (row >= size - 8 && column < 9);
  const isVersion = version >= 7 && ((row < 6 && column >= size - 11) || (column < 6 && row >= size - 11));
  if (isFinder || isVersion || row === 6 || column === 6) return true;
  const centres = alignment(version);
  const last = centres.at(-1);
  const isNear = (at: number, centre: number): boolean => Math.abs(at - centre) <= 2;
  return centres.some((y) =>
    centres.some((x) => {
      const isAtFinder = (y === 6 && (x === 6 || x === last)) || (y === last && x === 6);
      return !isAtFinder && isNear(row, y) && isNear(column, x);
    }),
  );
}

function alignment(version: number): number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const size = version * 4 + 17;
  const step = Math.ceil((size - 13) / (2 * count - 2)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, at) => size - 7 - step * (count - 2 - at))];
}

/** Takes the blocks apart, which stand in each other, and leaves the correction out. */
function dataOf(codewords: readonly number[], version: number): number[] {
  const blocks = BLOCKS[version - 1]!;
  const long = codewords.length % blocks;
  const shortData = Math.floor(codewords.length / blocks) - CORRECTION[version - 1]!;
  const data: number[][] = Array.from({ length: blocks }, () => []);
  let at = 0;
  for (let place = 0; place <= shortData; place++) {
    for (let block = place < shortData ? 0 : blocks - long; block < blocks; block++) data[block]!.push(codewords[at++]!);
  }
  return data.flat();
}

function textOf(data: readonly number[], version: number): string {
  const bits = data.flatMap((byte) => Array.from({ length: 8 }, (_, bit) => ((byte >> (7 - bit)) & 1) === 1));
  let at = 0;
  const take = (count: number): number => {
    at += count;
    return numberOf(bits.slice(at - count, at));
  };
  const group = version < 10 ? 0 : version < 27 ? 1 : 2;
  let text = "";
  for (let mode = take(4); mode !== 0 && at < bits.length; mode = bits.length - at < 4 ? 0 : take(4)) {
    if (mode === 1) text += numeric(take([10, 12, 14][group]!), take);
    else if (mode === 2) text += alphanumeric(take([9, 11, 13][group]!), take);
    else if (mode === 4) text += Buffer.from(Array.from({ length: take(group === 0 ? 8 : 16) }, () => take(8))).toString("utf8");
    else throw new Error(`mode ${mode} is not read here`);
  }
  return text;
}

function numeric(length: number, take: (bits: number) => number): string {
  let digits = "";
  for (let left = length; left > 0; left -= 3) {
    const count = Math.min(3, left);
    digits += String(take([4, 7, 10][count - 1]!)).padStart(count, "0");
  }
  return digits;
}

function alphanumeric(length: number, take: (bits: number) => number): string {
  let text = "";
  for (let left = length; left > 0; left -= 2) {
    const value = take(left > 1 ? 11 : 6);
    text += left > 1 ? `${ALPHANUMERIC[Math.floor(value / 45)]}${ALPHANUMERIC[value % 45]}` : ALPHANUMERIC[value];
  }
  return text;
}
