/** Where a member stands that is not in. */
export const NOWHERE = -1;

/**
 * Members in no order, each at a number that is its own while it is in. For what comes and goes with every connection, for which a Map or Set is costly:
 * V8 links each table that they outgrow to the next, so that one that has grown old keeps all later ones, and whatever is in them, alive until the whole heap
 * is marked.
 */
export class Places<T extends object> implements Iterable<T> {
  readonly #members: (T | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#members.length - this.#free.length;
  }

  /** Where it stands from now on. */
  add(member: T): number {
    const place = this.#free.pop() ?? this.#members.length;
    this.#members[place] = member;
    return place;
  }

  /** Somebody must stand there. */
  remove(place: number): void {
    this.#members[place] = undefined;
    this.#free.push(place);
  }

  /** Any of them may leave while iterating. */
  *[Symbol.iterator](): Generator<T> {
    for (const member of this.#members) if (member !== undefined) yield member;
  }
}
