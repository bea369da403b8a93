import type { AccessKey } from "./access-key.ts";

const EMPTY = -1;
/** Slots per key: open addressing stays short at a quarter full. */
const SLOTS_PER_KEY = 4;

/**
 * Keys by the 16-byte identity hash of SIP023 §3. Open addressing over the hash's own words, so that a look-up reads the bytes where they lie
 * and allocates nothing. The hash is BLAKE3 output, hence already uniform.
 */
export class IdentityIndex {
  readonly #keys: readonly AccessKey[];
  readonly #slots: Int32Array;
  readonly #mask: number;

  constructor(keys: readonly AccessKey[]) {
    this.#keys = keys;
    const size = 2 ** Math.ceil(Math.log2(Math.max(1, keys.length) * SLOTS_PER_KEY));
    this.#slots = new Int32Array(size).fill(EMPTY);
    this.#mask = size - 1;
    for (const [index, key] of keys.entries()) this.#insert(key.credential.identityHash, index);
  }

  /** The key named by hash[at, at + 16), or undefined; also when fewer than 16 bytes are there. */
  find(hash: Buffer, at: number): AccessKey | undefined {
    if (hash.length < at + 16) return undefined;
    for (let slot = hash.readUInt32LE(at) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const index = this.#slots[slot]!;
      if (index === EMPTY) return undefined;
      const key = this.#keys[index]!;
      if (key.credential.identityHash.compare(hash, at, at + 16) === 0) return key;
    }
  }

  #insert(hash: Buffer, index: number): void {
    let slot = hash.readUInt32LE(0) & this.#mask;
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = index;
  }
}
