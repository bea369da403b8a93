import { type Clock, systemClock } from "@shadowfleet/runtime";
import { interleaveFamilies, literalAddress, type NameLookup, systemLookup } from "./name-lookup.ts";
import type { Resolution, Resolver } from "./resolver.ts";

export interface CachingResolverOptions {
  readonly lookup?: NameLookup;
  readonly clock?: Clock;
  /** How long an answer is used. The system's resolver does not tell the record's own TTL. Default 30 s. */
  readonly positiveTtlMs?: number;
  /** How long a failure is remembered. Default 5 s. */
  readonly negativeTtlMs?: number;
  /** How long past its time an answer still serves when refreshing it fails. Default 60 s. */
  readonly staleTtlMs?: number;
  /** Names remembered; the least recently used goes first. Default 4,096. */
  readonly capacity?: number;
  /** Longest wait for one look-up. Default 5 s. */
  readonly queryTimeoutMs?: number;
  /** Look-ups the system may owe us at a time, timed-out ones included; further names fail at once. Default 256. */
  readonly maxOutstanding?: number;
}

interface CacheEntry {
  readonly resolution: Resolution;
  readonly expiresAtMs: number;
  /** Until when it may still serve when a refresh fails. */
  readonly staleUntilMs: number;
}

/** The system's look-up goes by C strings: what follows a NUL would be cut off unseen. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNSPEAKABLE = /[\x00-\x20\x7f]/;
const MAX_NAME_LENGTH = 255;

const failed = (cause: Error): Resolution => ({ ok: false, code: "DNS_FAILED", cause });

/** Resolver over the system's own (hosts file included), with a bounded cache of answers and failures. Requests for one name share one look-up. */
export class CachingResolver implements Resolver {
  readonly #lookup: NameLookup;
  readonly #clock: Clock;
  readonly #positiveTtlMs: number;
  readonly #negativeTtlMs: number;
  readonly #staleTtlMs: number;
  readonly #capacity: number;
  readonly #queryTimeoutMs: number;
  readonly #maxOutstanding: number;
  /** In order of use, oldest first. */
  readonly #cache = new Map<string, CacheEntry>();
  readonly #inFlight = new Map<string, Promise<Resolution>>();
  #outstanding = 0;

  constructor(options: CachingResolverOptions = {}) {
    this.#lookup = options.lookup ?? systemLookup;
    this.#clock = options.clock ?? systemClock;
    this.#positiveTtlMs = options.positiveTtlMs ?? 30_000;
    this.#negativeTtlMs = options.negativeTtlMs ?? 5_000;
    this.#staleTtlMs = options.staleTtlMs ?? 60_000;
    this.#capacity = options.capacity ?? 4096;
    this.#queryTimeoutMs = options.queryTimeoutMs ?? 5_000;
    this.#maxOutstanding = options.maxOutstanding ?? 256;
  }

  /** Names in the cache, failures included. */
  get size(): number {
    return this.#cache.size;
  }

  /** Never rejects; a failure is DNS_FAILED with its cause. Addresses alternate between families. */
  resolve(host: string): Promise<Resolution> {
    const known = this.peek(host);
    if (known !== undefined) return Promise.resolve(known);
    const name = host.toLowerCase();
    const running = this.#inFlight.get(name);
    if (running !== undefined) return running;
    const query = this.#query(name).finally(() => this.#inFlight.delete(name));
    this.#inFlight.set(name, query);
    return query;
  }

  peek(host: string): Resolution | undefined {
    const literal = literalAddress(host);
    if (literal !== undefined) return { ok: true, addresses: [literal] };
    const name = host.toLowerCase();
    const entry = this.#cache.get(name);
    if (entry === undefined || entry.expiresAtMs <= this.#clock.monotonic()) return undefined;
    this.#touch(name, entry);
    return entry.resolution;
  }

  doubt(host: string): void {
    const name = host.toLowerCase();
    const entry = this.#cache.get(name);
    if (entry?.resolution.ok) this.#cache.set(name, { ...entry, expiresAtMs: this.#clock.monotonic() });
  }

  async #query(name: string): Promise<Resolution> {
    if (name === "" || name.length > MAX_NAME_LENGTH || UNSPEAKABLE.test(name)) return failed(new Error("not a host name"));
    if (this.#outstanding >= this.#maxOutstanding) return this.#lastGood(name) ?? failed(new Error("too many look-ups outstanding"));
    try {
      const addresses = interleaveFamilies(await this.#lookupInTime(name));
      if (addresses.length === 0) throw new Error(`${name} has no addresses`);
      return this.#remember(name, { ok: true, addresses });
    } catch (error) {
      return this.#remember(name, failed(error instanceof Error ? error : new Error(String(error))));
    }
  }

  /** The time limit ends the wait only: the system's look-up cannot be cancelled and stays counted until it returns. */
  #lookupInTime(name: string): ReturnType<NameLookup> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer for ${name} in ${this.#queryTimeoutMs} ms`)), this.#queryTimeoutMs);
      this.#outstanding += 1;
      this.#lookup(name)
        .then(resolve, reject)
        .finally(() => {
          this.#outstanding -= 1;
          clearTimeout(timer);
        });
    });
  }

  /** An answer whose time is over, but not by so much that it may not stand in. */
  #lastGood(name: string): Resolution | undefined {
    const last = this.#cache.get(name);
    return last?.resolution.ok && this.#clock.monotonic() < last.staleUntilMs ? last.resolution : undefined;
  }

  #remember(name: string, fresh: Resolution): Resolution {
    const nowMs = this.#clock.monotonic();
    const ttlMs = fresh.ok ? this.#positiveTtlMs : this.#negativeTtlMs;
    // A stale answer is good for as long as a failure would be, so that an outage of the resolver does not cost every dial its time limit.
    const lastGood = fresh.ok ? undefined : this.#lastGood(name);
    const staleUntilMs = lastGood === undefined ? nowMs + ttlMs + this.#staleTtlMs : this.#cache.get(name)!.staleUntilMs;
    const resolution = lastGood ?? fresh;
    this.#touch(name, { resolution, expiresAtMs: nowMs + ttlMs, staleUntilMs });
    if (this.#cache.size > this.#capacity) this.#cache.delete(this.#cache.keys().next().value!);
    return resolution;
  }

  #touch(name: string, entry: CacheEntry): void {
    this.#cache.delete(name);
    this.#cache.set(name, entry);
  }
}
