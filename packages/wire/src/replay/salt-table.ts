import { shortCopy } from "../short-copy.ts";

const FIRST_SLOTS = 64;
const FIRST_BYTES = 1024;
/** In front of each salt in the bytes. */
const LENGTH_BYTES = 2;

/** Words of a slot: hash, place in the bytes plus one (0: the slot is free), number. */
const SLOT_WORDS = 3;
const PLACE = 1;
const NUMBER = 2;

/** What `get` returns for a salt that is not there. */
export const ABSENT = -1;

/**
 * Salts, each with a number, exact. They lie in one buffer and are found over a table of words, so that a hundred thousand of them are three objects to the
 * garbage collector. Open addressing, at most half full; nothing is taken away but all at once.
 */
export class SaltTable {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #used = 0;
  #slots = new Int32Array(FIRST_SLOTS * SLOT_WORDS);
  #mask = FIRST_SLOTS - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Its number, or ABSENT. `hash` is that of the salt. */
  get(salt: Buffer, hash: number): number {
    const at = this.#find(salt, hash);
    return this.#slots[at + PLACE] === 0 ? ABSENT : this.#slots[at + NUMBER]! >>> 0;
  }

  /** `number`: 0 to 2^32 - 1. The salt, of at most 65,535 bytes, is copied. */
  set(salt: Buffer, hash: number, number: number): void {
    let at = this.#find(salt, hash);
    if (this.#slots[at + PLACE] === 0) {
      if (2 * (this.#size + 1) > this.#mask) {
        this.#widen();
        at = this.#find(salt, hash);
      }
      this.#slots[at] = hash;
      this.#slots[at + PLACE] = this.#keep(salt) + 1;
      this.#size += 1;
    }
    this.#slots[at + NUMBER] = number;
  }

  clear(): void {
    this.#slots.fill(0);
    this.#used = 0;
    this.#size = 0;
  }

  /** The slot of the salt, or the free one that it would have. */
  #find(salt: Buffer, hash: number): number {
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * SLOT_WORDS;
      const place = this.#slots[at + PLACE]!;
      if (place === 0 || (this.#slots[at] === hash && this.#isAt(salt, place - 1))) return at;
    }
  }

  #isAt(salt: Buffer, place: number): boolean {
    const from = place + LENGTH_BYTES;
    return this.#bytes.readUInt16LE(place) === salt.length && salt.compare(this.#bytes, from, from + salt.length) === 0;
  }

  #keep(salt: Buffer): number {
    const place = this.#used;
    const end = place + LENGTH_BYTES + salt.length;
    if (end > this.#bytes.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.#bytes.length));
      this.#bytes.copy(wider, 0, 0, place);
      this.#bytes = wider;
    }
    this.#bytes.writeUInt16LE(salt.length, place);
    shortCopy(salt, 0, salt.length, this.#bytes, place + LENGTH_BYTES);
    this.#used = end;
    return place;
  }

  #widen(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(2 * before.length);
    this.#mask = 2 * this.#mask + 1;
    for (let from = 0; from < before.length; from += SLOT_WORDS) {
      if (before[from + PLACE] === 0) continue;
      let slot = before[from]! & this.#mask;
      while (this.#slots[slot * SLOT_WORDS + PLACE] !== 0) slot = (slot + 1) & this.#mask;
      for (let word = 0; word < SLOT_WORDS; word += 1) this.#slots[slot * SLOT_WORDS + word] = before[from + word]!;
    }
  }
}
