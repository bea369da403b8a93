type Bucket<V> = ReadonlyMap<string, V>;

/** Entries a bucket has on average, at most: what a change copies, and what a comparison looks at. */
const BUCKET_SIZE = 64;

/**
 * An immutable map that shares all it can with the one it was made from: a change costs what it changes, and so does telling two of them apart.
 * Iterates in no particular order.
 */
export class SharedMap<V> implements Iterable<readonly [string, V]> {
  readonly size: number;
  /** A power of two of them. */
  readonly #buckets: readonly Bucket<V>[];

  private constructor(buckets: readonly Bucket<V>[], size: number) {
    this.#buckets = buckets;
    this.size = size;
  }

  /** Of several entries of one name the last counts. */
  static from<V>(entries: Iterable<readonly [string, V]> = []): SharedMap<V> {
    const whole = new Map(entries);
    const count = 2 ** Math.max(0, Math.ceil(Math.log2(whole.size / BUCKET_SIZE)));
    const buckets = Array.from({ length: count }, () => new Map<string, V>());
    for (const [name, value] of whole) buckets[hashOf(name) & (count - 1)]!.set(name, value);
    return new SharedMap(buckets, whole.size);
  }

  get(name: string): V | undefined {
    return this.#bucketOf(name).get(name);
  }

  has(name: string): boolean {
    return this.#bucketOf(name).has(name);
  }

  *keys(): Generator<string, void, void> {
    for (const bucket of this.#buckets) yield* bucket.keys();
  }

  *values(): Generator<V, void, void> {
    for (const bucket of this.#buckets) yield* bucket.values();
  }

  *[Symbol.iterator](): Generator<readonly [string, V], void, void> {
    for (const bucket of this.#buckets) yield* bucket;
  }

  /** This map with other values; undefined takes a name away. The map itself when that changes nothing. */
  with(changes: ReadonlyMap<string, V | undefined>): SharedMap<V> {
    const mask = this.#buckets.length - 1;
    const copies = new Map<number, Map<string, V>>();
    let size = this.size;
    for (const [name, value] of changes) {
      const at = hashOf(name) & mask;
      const before = (copies.get(at) ?? this.#buckets[at]!).get(name);
      if (before === value) continue;
      const copy = copies.get(at) ?? new Map(this.#buckets[at]);
      copies.set(at, copy);
      if (value === undefined) copy.delete(name);
      else copy.set(name, value);
      size += Number(value !== undefined) - Number(before !== undefined);
    }
    if (copies.size === 0) return this;
    const next = new SharedMap(
      this.#buckets.map((bucket, at) => copies.get(at) ?? bucket),
      size,
    );
    return size > this.#buckets.length * BUCKET_SIZE * 2 ? SharedMap.from(next) : next;
  }

  /** Names that have not the very same value in both maps. */
  *difference(other: SharedMap<V>): Generator<string, void, void> {
    if (other === this) return;
    if (other.#buckets.length !== this.#buckets.length) {
      yield* unequal(this, other);
      return;
    }
    for (const [at, bucket] of this.#buckets.entries()) {
      const counterpart = other.#buckets[at]!;
      if (bucket !== counterpart) yield* unequal(bucket, counterpart);
    }
  }

  #bucketOf(name: string): Bucket<V> {
    return this.#buckets[hashOf(name) & (this.#buckets.length - 1)]!;
  }
}

type Names<V> = Iterable<readonly [string, V]> & { get(name: string): V | undefined };

function* unequal<V>(a: Names<V>, b: Names<V>): Generator<string, void, void> {
  for (const [name, value] of a) if (b.get(name) !== value) yield name;
  for (const [name] of b) if (a.get(name) === undefined) yield name;
}

/** FNV-1a over UTF-16 code units. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
