import type { Credential } from "@shadowfleet/wire";
import type { AccessKey } from "./access-key.ts";
import { createPortKeys, type PortKeys } from "./port-keys.ts";
import type { KeyConfig, PortConfig } from "./relay-config.ts";
import { TrafficLedger } from "./traffic-ledger.ts";

/** What one `apply` or `change` did, by key id. A key that moved to another port or got another secret or name is changed. */
export interface KeyChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

interface PortEntry {
  readonly keys: PortKeys;
  readonly identityKey: Buffer | undefined;
}

/** The access keys in force, by port. Objects of unchanged keys and ports stay the same across `apply`, and so does what they have learnt. */
export class AccessKeyTable {
  readonly ledger = new TrafficLedger();
  /** When a session last opened with a secret that is being rotated out, by key id; milliseconds since 1970. */
  readonly previousSecretUses = new Map<string, number>();
  readonly #ports = new Map<number, PortEntry>();
  readonly #keys = new Map<string, AccessKey>();

  /** Keys in force. */
  get size(): number {
    return this.#keys.size;
  }

  /** The keys of a listening port, by its number in the configuration; undefined once the port has left it. */
  portKeys(port: number): PortKeys | undefined {
    return this.#ports.get(port)?.keys;
  }

  /** The key of that id under its current secret. */
  key(id: string): AccessKey | undefined {
    return this.#keys.get(id);
  }

  /** Whether a key that opened something (now or a while ago) still may: its id on its port with that very secret. */
  isInForce(key: AccessKey): boolean {
    const current = this.#keys.get(key.id);
    if (current === key) return true;
    if (!current || current.port !== key.port) return false;
    return isSame(current.credential, key.credential) || isSame(current.previous?.credential, key.credential);
  }

  /** To be told of every session that opens. */
  noteOpened(key: AccessKey, nowMs: number): void {
    if (key.isPrevious) this.previousSecretUses.set(key.id, nowMs);
  }

  /** Replaces everything at once by a validated configuration: no moment sees half of it. */
  apply(ports: readonly PortConfig[]): KeyChanges {
    const wanted = new Set(ports.map(({ port }) => port));
    const gone = [...this.#ports.keys()].filter((port) => !wanted.has(port));
    return this.change(ports, gone);
  }

  /** Replaces these ports and takes those away, at once; costs what they have keys. A key that moves is in one of each. */
  change(ports: readonly PortConfig[], gone: readonly number[]): KeyChanges {
    const leaving = new Set<string>();
    for (const port of [...gone, ...ports.map(({ port: number }) => number)]) {
      for (const { id } of this.#ports.get(port)?.keys.keys ?? []) leaving.add(id);
    }
    for (const port of gone) this.#ports.delete(port);
    const added: string[] = [];
    const changed: string[] = [];
    for (const port of ports) {
      const keys = port.keys.map((config) => {
        const before = this.#keys.get(config.id);
        const key = this.#keyFor(config, port.port, before);
        leaving.delete(key.id);
        if (key === before) return key;
        (before ? changed : added).push(key.id);
        this.#keys.set(key.id, key);
        return key;
      });
      this.#ports.set(port.port, portEntry(keys, port, this.#ports.get(port.port)));
    }
    for (const id of leaving) this.#keys.delete(id);
    return { added, removed: [...leaving], changed };
  }

  #keyFor(config: KeyConfig, port: number, before: AccessKey | undefined): AccessKey {
    const { id, name, credential, previousCredential } = config;
    if (before && before.port === port && before.name === name) {
      if (isSame(before.credential, credential) && isSame(before.previous?.credential, previousCredential)) return before;
    }
    const shared = { id, name, port, meter: this.ledger.meterOf(id, port) };
    const previous = previousCredential && { ...shared, credential: previousCredential, previous: undefined, isPrevious: true };
    return { ...shared, credential, previous, isPrevious: false };
  }
}

function portEntry(keys: readonly AccessKey[], { identityKey, method }: PortConfig, before: PortEntry | undefined): PortEntry {
  const sameKeys = before && before.keys.keys.length === keys.length && keys.every((key, at) => before.keys.keys[at] === key);
  const sameMethod = method === undefined || before?.keys.method === method;
  if (sameKeys && sameMethod && sameBytes(before.identityKey, identityKey)) return before;
  return { keys: createPortKeys(keys, identityKey, before?.keys, method), identityKey };
}

function isSame(a: Credential | undefined, b: Credential | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.method === b.method && a.key.equals(b.key));
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.equals(b));
}
