import type { AccessKey } from "./access-key.ts";

/** Sources remembered, about 2 MB at most; the least recently seen goes first. */
const MAX_SOURCES = 8192;
/** Keys remembered per source: a household or office behind one address uses several, and each of a flood's connections is tried with all. */
const MAX_KEYS_PER_SOURCE = 16;

interface Place {
  key: AccessKey;
  previous: Place | undefined;
  next: Place | undefined;
}

/**
 * In which order to try the keys of a SIP004 port: those last used from this source, then all others, most recently used first. One
 * trial costs a subkey derivation and an AEAD operation, so the order decides what an honest connection costs. A secret being rotated out is
 * tried right behind its key's current one.
 */
export class TrialOrder {
  readonly #places = new Map<string, Place>();
  /** Source to key ids, latest first. Ids, so that it outlives a reload. */
  readonly #hints: Map<string, readonly string[]>;
  #first: Place | undefined;
  #last: Place | undefined;

  /** `previous` is the order before a reload: keys that stay keep their rank, new ones come last. */
  constructor(keys: readonly AccessKey[], previous?: TrialOrder) {
    this.#hints = previous ? previous.#hints : new Map();
    const byId = new Map(keys.map((key) => [key.id, key]));
    const ranked: AccessKey[] = [];
    for (let place = previous ? previous.#first : undefined; place; place = place.next) {
      const key = byId.get(place.key.id);
      if (key && byId.delete(key.id)) ranked.push(key);
    }
    ranked.push(...byId.values());
    for (let at = ranked.length - 1; at >= 0; at--) this.#putFirst({ key: ranked[at]!, previous: undefined, next: undefined });
  }

  /** The keys last used from this source. */
  *known(source: string): Generator<AccessKey, void, void> {
    for (const id of this.#hints.get(source) ?? []) {
      const place = this.#places.get(id);
      if (place) yield* secretsOf(place.key);
    }
  }

  /** All that are not `known`. */
  *others(source: string): Generator<AccessKey, void, void> {
    const hinted = this.#hints.get(source) ?? [];
    for (let place = this.#first; place; place = place.next) {
      if (!hinted.includes(place.key.id)) yield* secretsOf(place.key);
    }
  }

  /** Told which key opened something from this source. A key that a reload has taken away meanwhile is ignored. */
  found(key: AccessKey, source: string): void {
    const place = this.#places.get(key.id);
    if (!place) return;
    if (place !== this.#first) {
      this.#unlink(place);
      this.#putFirst(place);
    }
    this.#hint(source, key.id);
  }

  /** A new key comes last; one that is there keeps its rank. */
  put(key: AccessKey): void {
    const place = this.#places.get(key.id);
    if (place) {
      place.key = key;
      return;
    }
    const last: Place = { key, previous: this.#last, next: undefined };
    this.#places.set(key.id, last);
    if (this.#last) this.#last.next = last;
    else this.#first = last;
    this.#last = last;
  }

  /** Does nothing when the key is not there. */
  remove(id: string): void {
    const place = this.#places.get(id);
    if (!place) return;
    this.#unlink(place);
    this.#places.delete(id);
  }

  #hint(source: string, keyId: string): void {
    const before = this.#hints.get(source);
    // Deleting first moves the source to the young end of the map.
    this.#hints.delete(source);
    if (!before || before[0] === keyId) {
      this.#hints.set(source, before ?? [keyId]);
    } else {
      this.#hints.set(source, [keyId, ...before.filter((id) => id !== keyId)].slice(0, MAX_KEYS_PER_SOURCE));
    }
    if (this.#hints.size > MAX_SOURCES) this.#hints.delete(this.#hints.keys().next().value!);
  }

  #putFirst(place: Place): void {
    this.#places.set(place.key.id, place);
    place.previous = undefined;
    place.next = this.#first;
    if (this.#first) this.#first.previous = place;
    else this.#last = place;
    this.#first = place;
  }

  #unlink(place: Place): void {
    if (place.previous) place.previous.next = place.next;
    else this.#first = place.next;
    if (place.next) place.next.previous = place.previous;
    else this.#last = place.previous;
  }
}

function* secretsOf(key: AccessKey): Generator<AccessKey, void, void> {
  yield key;
  if (key.previous) yield key.previous;
}
