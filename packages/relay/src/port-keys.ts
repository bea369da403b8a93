import type { KeyRing, Method } from "@shadowfleet/wire";
import type { AccessKey } from "./access-key.ts";
import { IdentityIndex } from "./identity-index.ts";
import { TrialOrder } from "./trial-order.ts";

/** The access keys of one listening port; replaced as a whole by a reload. */
export interface PortKeys {
  readonly method: Method;
  /** Under their current secrets. */
  readonly keys: readonly AccessKey[];
  /** The ring for one connection or packet: keys last used from this client address first, then most recently used first, as SIP004 trial needs. */
  ringFor(clientHost: string): KeyRing<AccessKey>;
  /**
   * What to try when `ringFor`'s ring opens nothing: the secret being rotated out on a SIP022 port without identity headers, whose ring has
   * room for one key. Undefined in every other case: other rings hold both secrets.
   */
  readonly previousRing: KeyRing<AccessKey> | undefined;
}

/**
 * The right kind of ring for a port: one constant ring for a single key, an index for SIP023, trial order for SIP004. All keys have one method;
 * without keys it has to be given. `previous` passes on what was learnt about trial order.
 */
export function createPortKeys(
  keys: readonly AccessKey[],
  identityKey: Buffer | undefined,
  previous?: PortKeys,
  method: Method = keys[0]!.credential.method,
): PortKeys {
  if (identityKey) return new FixedPortKeys(method, keys, identityRing(keys, identityKey));
  const rotating = keys.some((key) => key.previous);
  if (method.kind === "aead" && (keys.length > 1 || rotating)) {
    return new TrialPortKeys(method, keys, previous instanceof TrialPortKeys ? previous.order : undefined);
  }
  // Without authentication a stream cipher's two secrets cannot be told apart: the current one is the one.
  const old = method.kind === "aead-2022" ? keys[0]?.previous : undefined;
  return new FixedPortKeys(method, keys, singleRing(keys), old && singleRing([old]));
}

class FixedPortKeys implements PortKeys {
  readonly method: Method;
  readonly keys: readonly AccessKey[];
  readonly previousRing: KeyRing<AccessKey> | undefined;
  readonly #ring: KeyRing<AccessKey>;

  constructor(method: Method, keys: readonly AccessKey[], ring: KeyRing<AccessKey>, previousRing?: KeyRing<AccessKey>) {
    this.method = method;
    this.keys = keys;
    this.previousRing = previousRing;
    this.#ring = ring;
  }

  ringFor(): KeyRing<AccessKey> {
    return this.#ring;
  }
}

class TrialPortKeys implements PortKeys {
  readonly method: Method;
  readonly keys: readonly AccessKey[];
  readonly previousRing = undefined;
  readonly order: TrialOrder;

  constructor(method: Method, keys: readonly AccessKey[], previous: TrialOrder | undefined) {
    this.method = method;
    this.keys = keys;
    this.order = new TrialOrder(keys, previous);
  }

  ringFor(clientHost: string): KeyRing<AccessKey> {
    return new TrialRing(this.order, clientHost);
  }
}

class TrialRing implements KeyRing<AccessKey> {
  readonly single = undefined;
  readonly identityKey = undefined;
  readonly #order: TrialOrder;
  readonly #clientHost: string;

  constructor(order: TrialOrder, clientHost: string) {
    this.#order = order;
    this.#clientHost = clientHost;
  }

  candidates(): Iterable<AccessKey> {
    return this.#order.candidates(this.#clientHost);
  }

  found(key: AccessKey): void {
    this.#order.found(key, this.#clientHost);
  }

  byIdentity(): undefined {
    return undefined;
  }
}

function singleRing(keys: readonly AccessKey[]): KeyRing<AccessKey> {
  return { candidates: () => keys, found: () => {}, single: keys[0], identityKey: undefined, byIdentity: () => undefined };
}

function identityRing(keys: readonly AccessKey[], identityKey: Buffer): KeyRing<AccessKey> {
  const index = new IdentityIndex(keys.flatMap((key) => (key.previous ? [key, key.previous] : [key])));
  return {
    candidates: () => [],
    found: () => {},
    single: undefined,
    identityKey,
    byIdentity: (hash, at) => index.find(hash, at),
  };
}
