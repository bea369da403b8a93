import type { AccessKey } from "./access-key.ts";

/** Client addresses remembered; the least recently seen goes first. */
const MAX_CLIENTS = 8192;
/** Keys remembered per client address: a household or office behind one address uses several. */
const MAX_KEYS_PER_CLIENT = 4;

interface Place {
  key: AccessKey;
  previous: Place | undefined;
  next: Place | undefined;
}

/**
 * In which order to try the keys of a SIP004 port: those last used from this client address, then all others, most recently used first. One
 * trial costs a subkey derivation and an AEAD operation, so the order decides what an honest connection costs. A secret being rotated out is
 * tried right behind its key's current one.
 */
export class TrialOrder {
  readonly #places = new Map<string, Place>();
  /** Client address to key ids, latest first. Ids, so that it outlives a reload. */
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

  *candidates(clientHost: string): Generator<AccessKey, void, void> {
    const hinted = this.#hints.get(clientHost) ?? [];
    for (const id of hinted) {
      const place = this.#places.get(id);
      if (place) yield* secretsOf(place.key);
    }
    for (let place = this.#first; place; place = place.next) {
      if (!hinted.includes(place.key.id)) yield* secretsOf(place.key);
    }
  }

  /** Told which key opened something from this address. A key that a reload has taken away meanwhile is ignored. */
  found(key: AccessKey, clientHost: string): void {
    const place = this.#places.get(key.id);
    if (!place) return;
    if (place !== this.#first) {
      this.#unlink(place);
      this.#putFirst(place);
    }
    this.#hint(clientHost, key.id);
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

  #hint(clientHost: string, keyId: string): void {
    const before = this.#hints.get(clientHost);
    // Deleting first moves the address to the young end of the map.
    this.#hints.delete(clientHost);
    if (!before || before[0] === keyId) {
      this.#hints.set(clientHost, before ?? [keyId]);
    } else {
      this.#hints.set(clientHost, [keyId, ...before.filter((id) => id !== keyId)].slice(0, MAX_KEYS_PER_CLIENT));
    }
    if (this.#hints.size > MAX_CLIENTS) this.#hints.delete(this.#hints.keys().next().value!);
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
