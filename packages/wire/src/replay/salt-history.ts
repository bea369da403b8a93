import type { SaltFilter } from "../stream.ts";

/**
 * The latest salts by count, exact: for SIP004, whose streams carry no timestamp and can be replayed at any time. Remembers at least the
 * last `capacity` salts and at most twice as many, in two generations; time plays no part.
 */
export class SaltHistory implements SaltFilter {
  readonly #capacity: number;
  #current = new Set<string>();
  #previous = new Set<string>();

  /** `capacity`: salts per generation, at least 1. Each costs about 100 bytes. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Salts remembered now. */
  get entries(): number {
    return this.#current.size + this.#previous.size;
  }

  admit(salt: Buffer, _unixSeconds: number): boolean {
    const name = salt.toString("latin1");
    if (this.#current.has(name) || this.#previous.has(name)) return false;
    if (this.#current.size >= this.#capacity) {
      this.#previous = this.#current;
      this.#current = new Set();
    }
    this.#current.add(name);
    return true;
  }
}
