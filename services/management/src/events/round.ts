/** Ids that take turns: every one comes once before any comes again. */
export class Round {
  readonly #ids = new Set<string>();
  #rest: Iterator<string> = [].values();

  get ids(): Iterable<string> {
    return this.#ids;
  }

  get size(): number {
    return this.#ids.size;
  }

  add(id: string): void {
    this.#ids.add(id);
  }

  delete(id: string): void {
    this.#ids.delete(id);
  }

  clear(): void {
    this.#ids.clear();
    this.#rest = [].values();
  }

  /** The next `count` at most; fewer where the round ends. */
  next(count: number): string[] {
    const ids = this.#take(count);
    if (ids.length > 0) return ids;
    this.#rest = [...this.#ids].values();
    return this.#take(count);
  }

  #take(count: number): string[] {
    const ids: string[] = [];
    while (ids.length < count) {
      const { value, done } = this.#rest.next();
      if (done) break;
      if (this.#ids.has(value)) ids.push(value);
    }
    return ids;
  }
}
