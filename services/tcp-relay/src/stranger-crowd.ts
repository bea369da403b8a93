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
    let ofSource = this.#bySource.get(source);
    if (ofSource === undefined) {
      ofSource = new RecencyList();
      this.#bySource.set(source, ofSource);
    }
    this.#places.set(stranger, { source, inAll: this.#all.add(stranger), inSource: ofSource.add(stranger) });
  }

  /** Does nothing when it is not there. */
  delete(stranger: S): void {
    const place = this.#places.get(stranger);
    if (place === undefined) return;
    this.#places.delete(stranger);
    this.#all.remove(place.inAll);
    const ofSource = this.#bySource.get(place.source);
    ofSource?.remove(place.inSource);
    if (ofSource?.size === 0) this.#bySource.delete(place.source);
  }

  /** Oldest first. The one just given may be deleted while iterating; no other may. */
  [Symbol.iterator](): Iterator<S> {
    return this.#all[Symbol.iterator]();
  }
}
