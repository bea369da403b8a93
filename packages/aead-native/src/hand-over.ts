import { shortCopy } from "@shadowfleet/wire";

/** Buffers from this length on lie outside V8's heap. */
const OUTSIDE_LENGTH = 65;

/**
 * Where keys, salts and nonces lie while the addon reads them. V8 keeps buffers of so few bytes inside its heap, and gives each that is handed to C++ memory
 * outside for the rest of its life, which costs more than it takes to encrypt a small message. Calls are synchronous: one place of a kind serves all of them.
 */
class HandOverPlace {
  /** By length. */
  readonly #views: readonly Buffer[];

  constructor(longest: number) {
    const memory = Buffer.alloc(Math.max(longest, OUTSIDE_LENGTH));
    this.#views = Array.from({ length: longest + 1 }, (_, length) => memory.subarray(0, length));
  }

  /** A view of a copy, until the next one is put here. */
  put(bytes: Buffer): Buffer {
    const view = this.view(bytes.length);
    shortCopy(bytes, 0, bytes.length, view, 0);
    return view;
  }

  /** What lies here for so many bytes. */
  view(length: number): Buffer {
    return this.#views[length] as Buffer;
  }

  /** Fills `bytes` with what the addon has left here. */
  take(bytes: Buffer): void {
    shortCopy(this.view(bytes.length), 0, bytes.length, bytes, 0);
  }
}

export const NONCE_LENGTH = 12;
export const LONGEST_KEY = 32;
export const LONGEST_SALT = 64;

export const keyPlace = new HandOverPlace(LONGEST_KEY);
export const subkeyPlace = new HandOverPlace(LONGEST_KEY);
export const saltPlace = new HandOverPlace(LONGEST_SALT);
export const noncePlace = new HandOverPlace(NONCE_LENGTH);
