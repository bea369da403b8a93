import type { SaltFilter } from "../stream.ts";
import { saltHash } from "./salt-hash.ts";
import { ABSENT, SaltTable } from "./salt-table.ts";

/**
 * The latest salts by count, exact: for SIP004, whose streams carry no timestamp and can be replayed at any time. Remembers at least the
 * last `capacity` salts and at most twice as many, in two generations; time plays no part.
 */
export class SaltHistory implements SaltFilter {
  readonly #capacity: number;
  #current = new SaltTable();
  #previous = new SaltTable();

  /** `capacity`: salts per generation, at least 1. Each costs 58 to 116 bytes. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Salts remembered now. */
  get entries(): number {
    return this.#current.size + this.#previous.size;
  }

  admit(salt: Buffer, _unixSeconds: number): boolean {
    const hash = saltHash(salt);
    if (this.#current.get(salt, hash) !== ABSENT || this.#previous.get(salt, hash) !== ABSENT) return false;
    if (this.#current.size >= this.#capacity) {
      const oldest = this.#previous;
      this.#previous = this.#current;
      this.#current = oldest;
      oldest.clear();
    }
    this.#current.set(salt, hash, 0);
    return true;
  }
}
