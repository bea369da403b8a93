import type { FuzzInput } from "./target.ts";

const SIZE = 1024 * 1024;
const COUNTER = 0;
const CHOICE = 1;
const INDEX = 2;
const COUNT = 3;
const HEADER_WORDS = 4;
const MAX_PARTS = 1_000;
const BYTES_AT = (HEADER_WORDS + MAX_PARTS) * 4;

/** The input being executed, in memory that another thread can read while this one hangs. */
export class WatchedInput {
  readonly memory: SharedArrayBuffer;
  readonly #words: Uint32Array;
  readonly #bytes: Buffer;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(SIZE)) {
    this.memory = memory;
    this.#words = new Uint32Array(memory, 0, HEADER_WORDS + MAX_PARTS);
    this.#bytes = Buffer.from(memory, BYTES_AT);
  }

  /** Changes with every input. */
  get counter(): number {
    return Atomics.load(this.#words, COUNTER);
  }

  put({ parts, choice }: FuzzInput, index: number): void {
    this.#words[CHOICE] = choice;
    this.#words[INDEX] = index;
    let at = 0;
    let count = 0;
    for (const part of parts.slice(0, MAX_PARTS)) {
      if (at + part.length > this.#bytes.length) break;
      at += part.copy(this.#bytes, at);
      this.#words[HEADER_WORDS + count] = part.length;
      count += 1;
    }
    this.#words[COUNT] = count;
    Atomics.add(this.#words, COUNTER, 1);
  }

  /** Counts without an input: the thread lives and does something else. */
  touch(): void {
    Atomics.add(this.#words, COUNTER, 1);
  }

  get(): { readonly input: FuzzInput; readonly index: number } {
    const parts: Buffer[] = [];
    let at = 0;
    for (let i = 0; i < this.#words[COUNT]!; i += 1) {
      const length = this.#words[HEADER_WORDS + i]!;
      parts.push(Buffer.from(this.#bytes.subarray(at, at + length)));
      at += length;
    }
    return { input: { parts, choice: this.#words[CHOICE]! }, index: this.#words[INDEX]! };
  }
}
