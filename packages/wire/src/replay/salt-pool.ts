import type { SaltFilter } from "../stream.ts";
import { saltHash } from "./salt-hash.ts";
import { ABSENT, SaltTable } from "./salt-table.ts";

export interface SaltPoolOptions {
  /** How long a salt stays refused, this second included. Default 60: twice the ±30 s a timestamp may be off (SIP022 §3.1.4). */
  readonly windowSeconds?: number;
  /** Unix second in which the first generation begins. Default: that of the first salt. */
  readonly startSeconds?: number;
}

/**
 * Salts of the last minute, exact: no false positives, as SIP022 §3.1.4 demands, and no false negatives. Ask only after authentication and
 * timestamp check; the size is then bounded by what key holders send in two windows.
 *
 * Two generations of at most a window each: a lookup asks both, and an old generation is dropped whole, so expiry costs nothing per salt.
 * The second of arrival is kept with each salt, which makes the window exact although a generation lives longer.
 */
export class SaltPool implements SaltFilter {
  readonly #windowSeconds: number;
  #generationStart: number | undefined;
  #current = new SaltTable();
  #previous = new SaltTable();

  constructor(options: SaltPoolOptions = {}) {
    this.#windowSeconds = options.windowSeconds ?? 60;
    this.#generationStart = options.startSeconds;
  }

  /** Salts held in memory now: everything that would be refused, and what has expired but is not dropped yet. */
  get entries(): number {
    return this.#current.size + this.#previous.size;
  }

  admit(salt: Buffer, unixSeconds: number): boolean {
    this.#rotate(unixSeconds);
    const hash = saltHash(salt);
    if (this.#isSeen(this.#current.get(salt, hash), unixSeconds) || this.#isSeen(this.#previous.get(salt, hash), unixSeconds)) return false;
    this.#current.set(salt, hash, unixSeconds);
    return true;
  }

  /** In the future means that the clock was set back: still seen. */
  #isSeen(seenAt: number, unixSeconds: number): boolean {
    return seenAt !== ABSENT && unixSeconds - seenAt <= this.#windowSeconds;
  }

  #rotate(unixSeconds: number): void {
    this.#generationStart ??= unixSeconds;
    const age = unixSeconds - this.#generationStart;
    if (age <= this.#windowSeconds) return;
    // A salt of the current generation came at start + window at the latest: after twice the window all of it has expired.
    this.#previous = age > 2 * this.#windowSeconds ? new SaltTable() : this.#current;
    this.#current = new SaltTable();
    this.#generationStart = unixSeconds;
  }
}
