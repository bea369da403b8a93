/** A place in a `RecencyList`; belongs to exactly one list. */
export interface RecencyNode<T> {
  value: T;
  older: RecencyNode<T> | undefined;
  newer: RecencyNode<T> | undefined;
}

/** Values in order of last use. Every step is O(1) and only `add` allocates, so that each datagram can touch it. */
export class RecencyList<T> {
  #oldest: RecencyNode<T> | undefined;
  #newest: RecencyNode<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The value touched longest ago. */
  get oldest(): T | undefined {
    return this.#oldest?.value;
  }

  add(value: T): RecencyNode<T> {
    const node: RecencyNode<T> = { value, older: undefined, newer: undefined };
    this.#append(node);
    this.#size += 1;
    return node;
  }

  /** Makes it the newest. The node must be in this list. */
  touch(node: RecencyNode<T>): void {
    if (node === this.#newest) return;
    this.#unlink(node);
    this.#append(node);
  }

  /** The node must be in this list. */
  remove(node: RecencyNode<T>): void {
    this.#unlink(node);
    this.#size -= 1;
  }

  /** Oldest first. The value just given may be removed while iterating; no other may. */
  *[Symbol.iterator](): Generator<T> {
    let node = this.#oldest;
    while (node !== undefined) {
      const next: RecencyNode<T> | undefined = node.newer;
      yield node.value;
      node = next;
    }
  }

  #append(node: RecencyNode<T>): void {
    node.older = this.#newest;
    node.newer = undefined;
    if (this.#newest === undefined) this.#oldest = node;
    else this.#newest.newer = node;
    this.#newest = node;
  }

  #unlink(node: RecencyNode<T>): void {
    if (node.older === undefined) this.#oldest = node.newer;
    else node.older.newer = node.newer;
    if (node.newer === undefined) this.#newest = node.older;
    else node.newer.older = node.older;
    node.older = undefined;
    node.newer = undefined;
  }
}
