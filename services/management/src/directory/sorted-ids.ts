/** A set of strings kept in code unit order, so that a page of a long list costs what it shows. */
export class SortedIds {
  #ids: string[] = [];

  get size(): number {
    return this.#ids.length;
  }

  add(id: string): void {
    const at = this.#firstFrom(id);
    if (this.#ids[at] !== id) this.#ids.splice(at, 0, id);
  }

  delete(id: string): void {
    const at = this.#firstFrom(id);
    if (this.#ids[at] === id) this.#ids.splice(at, 1);
  }

  /** For a start from nothing: sorting once is cheaper than adding one by one. */
  replace(ids: Iterable<string>): void {
    this.#ids = [...ids].sort(byCodeUnit);
  }

  /** Those behind `id`, in order; all for "". */
  *after(id: string): Generator<string, void> {
    const start = this.#firstFrom(id);
    for (let at = this.#ids[start] === id ? start + 1 : start; at < this.#ids.length; at++) yield this.#ids[at] as string;
  }

  /** A copy that later changes do not touch. */
  toArray(): string[] {
    return [...this.#ids];
  }

  #firstFrom(id: string): number {
    let low = 0;
    let high = this.#ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[middle] as string) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
