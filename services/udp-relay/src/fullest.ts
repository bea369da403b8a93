/** Anything that holds a number of things. */
interface Holder {
  readonly size: number;
}

/**
 * Finds the holder with most. Sizes move by one, so that finding it is one step however many holders there are: they stand in a set for each
 * size, and the highest size in use moves by one at most.
 */
export class Fullest<H extends Holder> {
  readonly #bySize: Set<H>[] = [];
  #highest = 0;

  /** The highest size now; 0 when nobody holds anything. */
  get size(): number {
    return this.#highest;
  }

  /** One of those with most: the one that has had so much longest. */
  get holder(): H | undefined {
    return this.#highest === 0 ? undefined : this.#bySize[this.#highest]?.values().next().value;
  }

  /** To be told after every change of a holder's size by one. */
  changed(holder: H, sizeBefore: number): void {
    this.#bySize[sizeBefore]?.delete(holder);
    const { size } = holder;
    if (size > 0) {
      this.#bySize[size] ??= new Set();
      this.#bySize[size].add(holder);
    }
    if (size > this.#highest) this.#highest = size;
    else if (this.#highest > 0 && this.#bySize[this.#highest]!.size === 0) this.#highest -= 1;
  }
}
