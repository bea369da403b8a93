import { RecencyList, type RecencyNode } from "@shadowfleet/transport";

/** A client whose request is not complete yet. */
export interface Waiting {
  /** Told when newer clients need its place; it leaves at once. */
  displace(): void;
}

export type Place = RecencyNode<Waiting>;

/** Clients whose request is not complete yet. Above the cap the one that came first gives way: a client needs its place for a moment, a flood for long. */
export class Receptions {
  readonly #limit: () => number;
  readonly #waiting = new RecencyList<Waiting>();

  /** `limit` is asked at every accept. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#waiting.size;
  }

  enter(client: Waiting): Place {
    while (this.#waiting.size > 0 && this.#waiting.size >= this.#limit()) this.#waiting.oldest!.displace();
    return this.#waiting.add(client);
  }

  /** To be called exactly once for each place. */
  leave(place: Place): void {
    this.#waiting.remove(place);
  }
}
