import { RecencyList, type RecencyNode } from "@shadowfleet/transport";

interface Place<S> {
  readonly source: string;
  readonly inAll: RecencyNode<S>;
  readonly inSource: RecencyNode<S>;
}

/** Those waiting, in order of arrival, in all and by source. Every step is O(1). */
export class StrangerCrowd<S> implements Iterable<S> {
  readonly #places = new Map<S, Place<S>>();
  readonly #all = new RecencyList<S>();
  readonly #bySource = new Map<string, RecencyList<S>>();

  get size(): number {
    return this.#all.size;
  }

  get oldest(): S | undefined {
    return this.#all.oldest;
  }

  sizeOf(source: string): number {
    return this.#bySource.get(source)?.size ?? 0;
  }

  oldestOf(source: string): S | undefined {
    return this.#bySource.get(source)?.oldest;
  }

  add(stranger: S, source: string): void {
    this.#places.set(stranger, { source, inAll: this.#all.add(stranger), inSource: this.#ofSource(source).add(stranger) });
  }

  /** Before `follow`: its source does not count it any more. */
  leaveSource(stranger: S): void {
    const place = this.#places.get(stranger);
    if (place) this.#removeFromSource(place);
  }

  /** `next` stands where `stranger` stood among all, and last of its source. To be called after `leaveSource(stranger)`. */
  follow(stranger: S, next: S, source: string): void {
    const { inAll } = this.#places.get(stranger)!;
    this.#places.delete(stranger);
    inAll.value = next;
    this.#places.set(next, { source, inAll, inSource: this.#ofSource(source).add(next) });
  }

  /** Does nothing when it is not there. */
  delete(stranger: S): void {
    const place = this.#places.get(stranger);
    if (place === undefined) return;
    this.#places.delete(stranger);
    this.#all.remove(place.inAll);
    this.#removeFromSource(place);
  }

  /** Oldest first. The one just given may be deleted while iterating; no other may. */
  [Symbol.iterator](): Iterator<S> {
    return this.#all[Symbol.iterator]();
  }

  #ofSource(source: string): RecencyList<S> {
    let ofSource = this.#bySource.get(source);
    if (ofSource === undefined) {
      ofSource = new RecencyList();
      this.#bySource.set(source, ofSource);
    }
    return ofSource;
  }

  #removeFromSource({ source, inSource }: Place<S>): void {
    const ofSource = this.#bySource.get(source);
    ofSource?.remove(inSource);
    if (ofSource?.size === 0) this.#bySource.delete(source);
  }
}
