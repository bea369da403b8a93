import { RecencyList, type RecencyNode } from "@shadowfleet/transport";

/** Who can wait in a crowd. */
export interface Waiting<S> {
  /** The crowd's; undefined before and after. */
  place: Place<S> | undefined;
}

/** Where somebody waits. */
export interface Place<S> {
  readonly deadlineMs: number;
  readonly inAll: RecencyNode<S>;
  readonly source: Source<S>;
  readonly inSource: RecencyNode<S>;
}

interface Source<S> {
  readonly name: string;
  readonly waiting: RecencyList<S>;
}

/** Those waiting, in order of arrival, in all and by source. Every step is O(1). */
export class StrangerCrowd<S extends Waiting<S>> implements Iterable<S> {
  readonly #all = new RecencyList<S>();
  readonly #sources = new Map<string, Source<S>>();
  /** The source that was the last to be left by everybody: the next who comes is often from there. */
  #left: Source<S> | undefined;

  get size(): number {
    return this.#all.size;
  }

  get oldest(): S | undefined {
    return this.#all.oldest;
  }

  sizeOf(source: string): number {
    return this.#sources.get(source)?.waiting.size ?? 0;
  }

  oldestOf(source: string): S | undefined {
    return this.#sources.get(source)?.waiting.oldest;
  }

  add(stranger: S, source: string, deadlineMs: number): void {
    this.#enter(stranger, source, this.#all.add(stranger), deadlineMs);
  }

  /** Before `follow`: its source does not count it any more. */
  leaveSource({ place }: S): void {
    if (place) this.#leave(place);
  }

  /** `next` stands where `stranger` stood among all, and last of its source. To be called after `leaveSource(stranger)`. */
  follow(stranger: S, next: S, source: string): void {
    const { inAll, deadlineMs } = stranger.place!;
    stranger.place = undefined;
    inAll.value = next;
    this.#enter(next, source, inAll, deadlineMs);
  }

  /** Does nothing when it is not there. */
  delete(stranger: S): void {
    const { place } = stranger;
    if (place === undefined) return;
    stranger.place = undefined;
    this.#all.remove(place.inAll);
    this.#leave(place);
  }

  /** Oldest first. The one just given may be deleted while iterating; no other may. */
  [Symbol.iterator](): Iterator<S> {
    return this.#all[Symbol.iterator]();
  }

  #enter(stranger: S, name: string, inAll: RecencyNode<S>, deadlineMs: number): void {
    let source = this.#sources.get(name);
    if (source === undefined) {
      source = { name, waiting: new RecencyList() };
      this.#sources.set(name, source);
    }
    stranger.place = { deadlineMs, inAll, source, inSource: source.waiting.add(stranger) };
  }

  #leave({ source, inSource }: Place<S>): void {
    source.waiting.remove(inSource);
    if (source.waiting.size > 0 || source === this.#left) return;
    if (this.#left?.waiting.size === 0) this.#sources.delete(this.#left.name);
    this.#left = source;
  }
}
