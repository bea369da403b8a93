const FIRST_CAPACITY = 512;

/**
 * The unread start of a message that arrives in pieces. A message that comes whole is parsed where it lies and never copied; one that comes
 * byte by byte costs one copy a byte, because the storage doubles and is parsed in place.
 */
export class HeldBytes {
  #storage: Buffer | undefined;
  #length = 0;

  /** Everything not yet consumed: what was held plus src[start, end). Valid until the next call. */
  take(src: Buffer, start: number, end: number): Buffer {
    if (this.#length === 0) return src.subarray(start, end);
    const needed = this.#length + end - start;
    const storage = this.#room(needed);
    src.copy(storage, this.#length, start, end);
    this.#length = needed;
    return storage.subarray(0, needed);
  }

  /** Keeps view[from, …) for the next `take`; `view` is what the last one returned. */
  keep(view: Buffer, from: number): void {
    const length = view.length - from;
    const inPlace = this.#length !== 0 && from === 0;
    this.#length = inPlace ? this.#length : 0;
    if (!inPlace && length > 0) view.copy(this.#room(length), 0, from);
    this.#length = length;
  }

  #room(needed: number): Buffer {
    let capacity = this.#storage?.length ?? FIRST_CAPACITY;
    while (capacity < needed) capacity *= 2;
    if (this.#storage && capacity === this.#storage.length) return this.#storage;
    const grown = Buffer.allocUnsafeSlow(capacity);
    this.#storage?.copy(grown, 0, 0, this.#length);
    this.#storage = grown;
    return grown;
  }
}
