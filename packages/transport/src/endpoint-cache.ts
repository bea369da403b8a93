import { ARRIVAL_WORDS, type DatagramMemory, type NativeDatagrams } from "@shadowfleet/aead-native";

/** Port, which is left out here, scope and address. */
const ENDPOINT_WORDS = 6;
const SLOTS = 1024;
const MAX_PARSED = 4096;

/** A literal address with the words it is in the shared memory: scope, then the address. */
interface KnownHost {
  readonly host: string;
  readonly words: readonly [number, number, number, number, number];
}

/** Literal addresses to and from their binary form, each made once and then remembered: bounded, whoever sends from wherever. */
export class EndpointCache {
  readonly #native: NativeDatagrams;
  readonly #memory: DatagramMemory;
  /** By a hash of the address: two that fall into one slot displace each other. */
  readonly #heard: (KnownHost | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #parsed = new Map<string, KnownHost>();

  constructor(native: NativeDatagrams, memory: DatagramMemory) {
    this.#native = native;
    this.#memory = memory;
  }

  /** The address an arrival came from. */
  hostOf(arrival: number): string {
    const { arrivals } = this.#memory;
    const at = arrival * ARRIVAL_WORDS + 1;
    const slot = slotOf(arrivals, at);
    const known = this.#heard[slot];
    if (known !== undefined && isAt(known, arrivals, at)) return known.host;
    const heard = knownHost(this.#native.hostOfArrival(arrival), arrivals, at);
    this.#heard[slot] = heard;
    return heard.host;
  }

  /** Writes scope and address of a literal address to `departures`. False: it is none. */
  write(host: string, at: number): boolean {
    const known = this.#parsed.get(host) ?? this.#parse(host);
    if (known === undefined) return false;
    const { departures } = this.#memory;
    departures[at] = known.words[0];
    departures[at + 1] = known.words[1];
    departures[at + 2] = known.words[2];
    departures[at + 3] = known.words[3];
    departures[at + 4] = known.words[4];
    return true;
  }

  #parse(host: string): KnownHost | undefined {
    const { departures } = this.#memory;
    // The addon answers in the first entry, where a datagram may be waiting.
    const kept = departures.slice(0, ENDPOINT_WORDS);
    const known = this.#native.parseHost(host) ? knownHost(host, departures, 1) : undefined;
    departures.set(kept);
    if (known === undefined) return undefined;
    if (this.#parsed.size >= MAX_PARSED) this.#parsed.clear();
    this.#parsed.set(host, known);
    return known;
  }
}

function knownHost(host: string, words: Int32Array, at: number): KnownHost {
  const [scope = 0, a = 0, b = 0, c = 0, d = 0] = words.subarray(at, at + ENDPOINT_WORDS - 1);
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
