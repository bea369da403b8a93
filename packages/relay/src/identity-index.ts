import type { AccessKey } from "./access-key.ts";

const EMPTY = -1;
/** Was taken: a search goes on behind it. */
const REMOVED = -2;
/** Slots per key when the table is made: open addressing stays short at a quarter full. */
const SLOTS_PER_KEY = 4;
/** Share of slots in use, removed ones included, at which the table is made anew. */
const MOST_IN_USE = 0.5;

/**
 * Keys by the 16-byte identity hash of SIP023 §3. Open addressing over the hash's own words, so that a look-up reads the bytes where they lie
 * and allocates nothing. The hash is BLAKE3 output, hence already uniform. Of keys with the same hash the first is found.
 */
export class IdentityIndex {
  /** By place; places of removed keys are given to the next ones. */
  #keys: (AccessKey | undefined)[] = [];
  #free: number[] = [];
  #slots = new Int32Array(0);
  #mask = 0;
  #inUse = 0;

  constructor(keys: readonly AccessKey[]) {
    this.#rebuild(keys);
  }

  /** The key named by hash[at, at + 16), or undefined; also when fewer than 16 bytes are there. */
  find(hash: Buffer, at: number): AccessKey | undefined {
    if (hash.length < at + 16) return undefined;
    for (let slot = hash.readUInt32LE(at) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const index = this.#slots[slot]!;
      if (index === EMPTY) return undefined;
      if (index === REMOVED) continue;
      const key = this.#keys[index]!;
      if (key.credential.identityHash.compare(hash, at, at + 16) === 0) return key;
    }
  }

  add(key: AccessKey): void {
    if (this.#inUse + 1 > this.#slots.length * MOST_IN_USE) this.#rebuild(this.#keys.filter((known) => known !== undefined));
    const index = this.#free.pop() ?? this.#keys.length;
    this.#keys[index] = key;
    this.#insert(key.credential.identityHash, index);
  }

  /** Does nothing when that very object is not there. */
  remove(key: AccessKey): void {
    for (let slot = key.credential.identityHash.readUInt32LE(0) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const index = this.#slots[slot]!;
      if (index === EMPTY) return;
      if (index === REMOVED || this.#keys[index] !== key) continue;
      this.#slots[slot] = REMOVED;
      this.#keys[index] = undefined;
      this.#free.push(index);
      return;
    }
  }

  #rebuild(keys: readonly AccessKey[]): void {
    const size = 2 ** Math.ceil(Math.log2(Math.max(1, keys.length) * SLOTS_PER_KEY));
    this.#keys = [...keys];
    this.#free = [];
    this.#slots = new Int32Array(size).fill(EMPTY);
    this.#mask = size - 1;
    this.#inUse = 0;
    for (const [index, key] of keys.entries()) this.#insert(key.credential.identityHash, index);
  }

  #insert(hash: Buffer, index: number): void {
    let slot = hash.readUInt32LE(0) & this.#mask;
    // Not into the slot of a removed key: of equal hashes the first is to stay the first.
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = index;
    this.#inUse++;
  }
}
