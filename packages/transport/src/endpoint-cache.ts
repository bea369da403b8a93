/** Port, which is left out here, scope and four words of the address. */
const HOST_WORDS = 5;
const SLOTS = 1024;
const MAX_PARSED = 4096;

/** A literal address with the words it is in memory shared with the addon: scope, then the address. */
interface KnownHost {
  readonly host: string;
  readonly words: readonly [number, number, number, number, number];
}

/** By a hash of the address: two that fall into one slot displace each other. */
const heard: (KnownHost | undefined)[] = new Array(SLOTS).fill(undefined);
const parsed = new Map<string, KnownHost>();

/** The literal address in the words from `at` on; `textOf` is asked when it is not remembered. Bounded, whoever sends from wherever. */
export function hostAt(words: Int32Array, at: number, textOf: () => string): string {
  const slot = slotOf(words, at);
  const known = heard[slot];
  if (known !== undefined && isAt(known, words, at)) return known.host;
  const fresh = knownHost(textOf(), words, at);
  heard[slot] = fresh;
  return fresh.host;
}

/** Writes a literal address to the words from `at` on. `parse` is asked when it is not remembered: where its words are, if it is one. */
export function writeHost(host: string, words: Int32Array, at: number, parse: () => Int32Array | undefined): boolean {
  const known = parsed.get(host) ?? remember(host, parse());
  if (known === undefined) return false;
  words[at] = known.words[0];
  words[at + 1] = known.words[1];
  words[at + 2] = known.words[2];
  words[at + 3] = known.words[3];
  words[at + 4] = known.words[4];
  return true;
}

function remember(host: string, words: Int32Array | undefined): KnownHost | undefined {
  if (words === undefined) return undefined;
  const known = knownHost(host, words, 0);
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(host, known);
  return known;
}

function knownHost(host: string, words: Int32Array, at: number): KnownHost {
  const [scope = 0, a = 0, b = 0, c = 0, d = 0] = words.subarray(at, at + HOST_WORDS);
  return { host, words: [scope, a, b, c, d] };
}

function isAt({ words }: KnownHost, memory: Int32Array, at: number): boolean {
  return (
    words[4] === memory[at + 4] &&
    words[3] === memory[at + 3] &&
    words[2] === memory[at + 2] &&
    words[1] === memory[at + 1] &&
    words[0] === memory[at]
  );
}

function slotOf(memory: Int32Array, at: number): number {
  const mixed = Math.imul((memory[at + 4] as number) ^ Math.imul(memory[at + 3] as number, 31) ^ (memory[at + 2] as number), 0x9e3779b1);
  return (mixed ^ (memory[at + 1] as number)) >>> 22;
}
