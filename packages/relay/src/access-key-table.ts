import type { AccessKey } from "./access-key.ts";
import { createPortKeys, type PortKeys } from "./port-keys.ts";
import type { KeyConfig, PortConfig } from "./relay-config.ts";
import { TrafficLedger } from "./traffic-ledger.ts";

/** What one `apply` did, by key id. A key that moved to another port or got another secret or name is changed; its meter is the same. */
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
  #ports: ReadonlyMap<number, PortEntry> = new Map();
  #keys: ReadonlyMap<string, AccessKey> = new Map();

  /** Keys in force. */
  get size(): number {
    return this.#keys.size;
  }

  /** The keys of a listening port, by its number in the configuration; undefined once the port has left it. */
  portKeys(port: number): PortKeys | undefined {
    return this.#ports.get(port)?.keys;
  }

  key(id: string): AccessKey | undefined {
    return this.#keys.get(id);
  }

  /** Replaces everything at once by a validated configuration: no moment sees half of it. */
  apply(ports: readonly PortConfig[]): KeyChanges {
    const nextKeys = new Map<string, AccessKey>();
    const nextPorts = new Map<number, PortEntry>();
    const added: string[] = [];
    const changed: string[] = [];
    for (const port of ports) {
      const keys = port.keys.map((config) => {
        const before = this.#keys.get(config.id);
        const key = this.#keyFor(config, port.port, before);
        if (!before) added.push(key.id);
        else if (key !== before) changed.push(key.id);
        nextKeys.set(key.id, key);
        return key;
      });
      nextPorts.set(port.port, portEntry(keys, port.identityKey, this.#ports.get(port.port)));
    }
    const removed = [...this.#keys.keys()].filter((id) => !nextKeys.has(id));
    this.#keys = nextKeys;
    this.#ports = nextPorts;
    return { added, removed, changed };
  }

  #keyFor(config: KeyConfig, port: number, before: AccessKey | undefined): AccessKey {
    if (before && before.port === port && before.name === config.name && sameCredential(before, config)) return before;
    return { id: config.id, name: config.name, port, credential: config.credential, meter: this.ledger.meterOf(config.id) };
  }
}

function portEntry(keys: readonly AccessKey[], identityKey: Buffer | undefined, before: PortEntry | undefined): PortEntry {
  const sameKeys = before && before.keys.keys.length === keys.length && keys.every((key, at) => before.keys.keys[at] === key);
  if (sameKeys && sameBytes(before.identityKey, identityKey)) return before;
  return { keys: createPortKeys(keys, identityKey, before?.keys), identityKey };
}

function sameCredential(a: { credential: AccessKey["credential"] }, b: { credential: AccessKey["credential"] }): boolean {
  return a.credential === b.credential || (a.credential.method === b.credential.method && a.credential.key.equals(b.credential.key));
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.equals(b));
}
