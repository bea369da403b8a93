import type { KeyRing, Method } from "@shadowfleet/wire";
import type { AccessKey } from "./access-key.ts";
import { IdentityIndex } from "./identity-index.ts";
import { sourceNetwork } from "./source-network.ts";
import type { TrialBudget } from "./trial-budget.ts";
import { TrialOrder } from "./trial-order.ts";
import { TrialRing } from "./trial-ring.ts";

/** The access keys of one listening port. */
export interface PortKeys {
  readonly method: Method;
  /** Under their current secrets. Lists them anew when asked: for changes, not for packets. */
  readonly keys: readonly AccessKey[];
  /** The ring for one connection or packet: keys last used from this client's source first, then most recently used first, as SIP004 trial needs. */
  ringFor(clientHost: string): KeyRing<AccessKey>;
  /**
   * What to try when `ringFor`'s ring opens nothing: the secret being rotated out on a SIP022 port without identity headers, whose ring has
   * room for one key. Undefined in every other case: other rings hold both secrets.
   */
  readonly previousRing: KeyRing<AccessKey> | undefined;
  /** With some keys put and others taken away; it may be this very object, and rings that were given may change with it. */
  patched(put: readonly AccessKey[], removed: readonly string[]): PortKeys;
}

/**
 * The right kind of ring for a port: one constant ring for a single key, an index for SIP023, trial order for SIP004. All keys have one method;
 * without keys it has to be given. `previous` passes on what was learnt about trial order, `budget` bounds trials.
 */
export function createPortKeys(
  keys: readonly AccessKey[],
  identityKey: Buffer | undefined,
  previous?: PortKeys,
  method: Method = keys[0]!.credential.method,
  budget?: TrialBudget,
): PortKeys {
  if (identityKey) return new IdentityPortKeys(method, keys, identityKey);
  if (method.kind === "aead" && (keys.length > 1 || keys.some((key) => key.previous))) {
    return new TrialPortKeys(method, keys, budget, previous instanceof TrialPortKeys ? previous.order : undefined);
  }
  return new SinglePortKeys(method, keys, budget);
}

/** A port with one key or none. */
class SinglePortKeys implements PortKeys {
  readonly method: Method;
  readonly keys: readonly AccessKey[];
  readonly previousRing: KeyRing<AccessKey> | undefined;
  readonly #ring: KeyRing<AccessKey>;
  /** For when more keys come. */
  readonly #budget: TrialBudget | undefined;

  constructor(method: Method, keys: readonly AccessKey[], budget: TrialBudget | undefined) {
    this.method = method;
    this.keys = keys;
    this.#budget = budget;
    this.#ring = singleRing(keys);
    // Without authentication a stream cipher's two secrets cannot be told apart: the current one is the one.
    const old = method.kind === "aead-2022" ? keys[0]?.previous : undefined;
    this.previousRing = old && singleRing([old]);
  }

  ringFor(): KeyRing<AccessKey> {
    return this.#ring;
  }

  patched(put: readonly AccessKey[], removed: readonly string[]): PortKeys {
    const keys = new Map(this.keys.map((key) => [key.id, key]));
    patchMap(keys, put, removed);
    return createPortKeys([...keys.values()], undefined, undefined, this.method, this.#budget);
  }
}

/** A SIP023 port: any number of keys, each found in one step. */
class IdentityPortKeys implements PortKeys {
  readonly method: Method;
  readonly previousRing = undefined;
  readonly #keys: Map<string, AccessKey>;
  readonly #index: IdentityIndex;
  readonly #ring: KeyRing<AccessKey>;

  constructor(method: Method, keys: readonly AccessKey[], identityKey: Buffer) {
    this.method = method;
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    const index = new IdentityIndex(keys.flatMap(secretsOf));
    this.#index = index;
    this.#ring = {
      candidates: () => [],
      found: () => {},
      single: undefined,
      identityKey,
      byIdentity: (hash, at) => index.find(hash, at),
    };
  }

  get keys(): readonly AccessKey[] {
    return [...this.#keys.values()];
  }

  ringFor(): KeyRing<AccessKey> {
    return this.#ring;
  }

  patched(put: readonly AccessKey[], removed: readonly string[]): PortKeys {
    for (const id of [...removed, ...put.map((key) => key.id)]) {
      const before = this.#keys.get(id);
      if (before) for (const key of secretsOf(before)) this.#index.remove(key);
    }
    patchMap(this.#keys, put, removed);
    for (const key of put.flatMap(secretsOf)) this.#index.add(key);
    return this;
  }
}

/** A SIP004 port with many keys. */
class TrialPortKeys implements PortKeys {
  readonly method: Method;
  readonly previousRing = undefined;
  readonly order: TrialOrder;
  readonly #keys: Map<string, AccessKey>;
  readonly #budget: TrialBudget | undefined;

  constructor(method: Method, keys: readonly AccessKey[], budget: TrialBudget | undefined, previous: TrialOrder | undefined) {
    this.method = method;
    this.#budget = budget;
    this.order = new TrialOrder(keys, previous);
    this.#keys = new Map(keys.map((key) => [key.id, key]));
  }

  get keys(): readonly AccessKey[] {
    return [...this.#keys.values()];
  }

  ringFor(clientHost: string): KeyRing<AccessKey> {
    return new TrialRing(this.order, sourceNetwork(clientHost), this.#budget);
  }

  patched(put: readonly AccessKey[], removed: readonly string[]): PortKeys {
    patchMap(this.#keys, put, removed);
    // One that is left alone gets the ring of a single key.
    if (this.#keys.size <= 1) return createPortKeys(this.keys, undefined, this, this.method, this.#budget);
    for (const id of removed) this.order.remove(id);
    for (const key of put) this.order.put(key);
    return this;
  }
}

function singleRing(keys: readonly AccessKey[]): KeyRing<AccessKey> {
  return { candidates: () => keys, found: () => {}, single: keys[0], identityKey: undefined, byIdentity: () => undefined };
}

function secretsOf(key: AccessKey): AccessKey[] {
  return key.previous ? [key, key.previous] : [key];
}

function patchMap(keys: Map<string, AccessKey>, put: readonly AccessKey[], removed: readonly string[]): void {
  for (const id of removed) keys.delete(id);
  for (const key of put) keys.set(key.id, key);
}
