import type { SessionRegistry } from "@shadowfleet/relay";
import type { Clock, ErrorCode } from "@shadowfleet/runtime";
import { RecencyList, type RecencyNode } from "@shadowfleet/transport";
import { Association, type AssociationOptions } from "./association.ts";
import { Fullest } from "./fullest.ts";

export interface AssociationLimits {
  readonly perKey: number;
  readonly total: number;
}

export interface AssociationTableOptions {
  /** Asked at every new association, so that a reload's limits hold at once. */
  readonly limits: () => AssociationLimits;
  /** The configured idle timeout. */
  readonly idleTimeoutMs: () => number;
  readonly clock: Clock;
  readonly registry: SessionRegistry;
  /** Called once for each association, when it has ended and left the table. */
  readonly onEnd: (association: Association, code: ErrorCode) => void;
}

export type NewAssociation = Omit<AssociationOptions, "id" | "startedAtMs" | "onEnd">;

interface Entry {
  readonly association: Association;
  readonly inAll: RecencyNode<Association>;
  readonly inKey: RecencyNode<Association>;
}

let lastId = 0;

/**
 * Every live association of the process, by NAT key: (listener, client address, access key), or (listener, client session, access key) for
 * SIP022. At an access key's cap its least recently used one gives way, and at the cap in all that of the key that has most: however many ports
 * a client sends from, it displaces its own sessions before anybody else's.
 */
export class AssociationTable {
  readonly #options: AssociationTableOptions;
  readonly #byNatKey = new Map<string, Entry>();
  readonly #byKeyId = new Map<string, RecencyList<Association>>();
  readonly #all = new RecencyList<Association>();
  readonly #fullest = new Fullest<RecencyList<Association>>();

  constructor(options: AssociationTableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  find(natKey: string): Association | undefined {
    return this.#byNatKey.get(natKey)?.association;
  }

  /** Adds one whose NAT key is not in the table, ending others (UDP_SESSION_LIMIT) to stay within the caps. */
  open(options: NewAssociation): Association {
    this.#makeRoom(options.key.id);
    lastId += 1;
    const { clock, registry } = this.#options;
    const association = new Association({
      ...options,
      id: `udp-${lastId}`,
      startedAtMs: clock.now(),
      onEnd: (ended, code) => this.#remove(ended, code),
    });
    association.lastActiveMs = clock.monotonic();
    const ofKey = this.#ofKey(options.key.id);
    const entry = { association, inAll: this.#all.add(association), inKey: ofKey.add(association) };
    this.#fullest.changed(ofKey, ofKey.size - 1);
    this.#byNatKey.set(association.natKey, entry);
    registry.add(association);
    return association;
  }

  /** It moved a datagram. */
  touch(association: Association): void {
    const entry = this.#byNatKey.get(association.natKey);
    if (entry === undefined) return;
    association.lastActiveMs = this.#options.clock.monotonic();
    this.#all.touch(entry.inAll);
    this.#byKeyId.get(association.keyId)?.touch(entry.inKey);
  }

  /** Ends what has been quiet for its idle timeout or for `capMs`, whichever is shorter. */
  sweep(capMs = Number.POSITIVE_INFINITY): void {
    const now = this.#options.clock.monotonic();
    const configuredMs = this.#options.idleTimeoutMs();
    for (const association of this.#all) {
      const quietMs = now - association.lastActiveMs;
      // The rest moved something later than this one.
      if (quietMs < Math.min(configuredMs, capMs)) break;
      if (quietMs >= Math.min(association.idleTimeoutMs(configuredMs), capMs)) association.terminate("IDLE_TIMEOUT");
    }
  }

  /** Ends those that `matches` picks; returns how many. */
  end(code: ErrorCode, matches: (association: Association) => boolean = () => true): number {
    let ended = 0;
    for (const association of this.#all) {
      if (!matches(association)) continue;
      association.terminate(code);
      ended += 1;
    }
    return ended;
  }

  #makeRoom(keyId: string): void {
    const { perKey, total } = this.#options.limits();
    const ofKey = this.#byKeyId.get(keyId);
    while (ofKey !== undefined && ofKey.size > 0 && ofKey.size >= perKey) ofKey.oldest?.terminate("UDP_SESSION_LIMIT");
    while (this.#all.size > 0 && this.#all.size >= total) this.#mostDispensable(keyId)?.terminate("UDP_SESSION_LIMIT");
  }

  /** Of the key that would have most with the one to come; where no key has more than one, of all. */
  #mostDispensable(keyId: string): Association | undefined {
    const ofKey = this.#byKeyId.get(keyId);
    if (ofKey !== undefined && ofKey.size >= this.#fullest.size) return ofKey.oldest;
    return this.#fullest.size > 1 ? this.#fullest.holder?.oldest : this.#all.oldest;
  }

  #ofKey(keyId: string): RecencyList<Association> {
    let list = this.#byKeyId.get(keyId);
    if (list === undefined) {
      list = new RecencyList();
      this.#byKeyId.set(keyId, list);
    }
    return list;
  }

  #remove(association: Association, code: ErrorCode): void {
    const entry = this.#byNatKey.get(association.natKey);
    if (entry?.association !== association) return;
    this.#byNatKey.delete(association.natKey);
    this.#all.remove(entry.inAll);
    const ofKey = this.#byKeyId.get(association.keyId);
    if (ofKey !== undefined) {
      ofKey.remove(entry.inKey);
      this.#fullest.changed(ofKey, ofKey.size + 1);
      if (ofKey.size === 0) this.#byKeyId.delete(association.keyId);
    }
    this.#options.registry.remove(association);
    this.#options.onEnd(association, code);
  }
}
