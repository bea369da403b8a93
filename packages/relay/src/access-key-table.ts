import type { Credential } from "@shadowfleet/wire";
import type { AccessKey } from "./access-key.ts";
import { LimiterTable } from "./limits/limiter-table.ts";
import { createPortKeys, type PortKeys } from "./port-keys.ts";
import type { KeyConfig, PortConfig, PortPatch, PortsChange } from "./relay-config.ts";
import { sameTargets } from "./target-guard.ts";
import { TrafficLedger } from "./traffic-ledger.ts";
import type { TrialBudget } from "./trial-budget.ts";

/**
 * What one `apply` or `change` did, by key id. A key that moved to another port, got another secret, name or other targets, or has limits now or
 * no more, is changed; other limits of a key that has some are in force without it.
 */
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
  readonly limiters = new LimiterTable();
  /** When a session last opened with a secret that is being rotated out, by key id; milliseconds since 1970. */
  readonly previousSecretUses = new Map<string, number>();
  readonly #ports = new Map<number, PortEntry>();
  readonly #keys = new Map<string, AccessKey>();
  readonly #trialBudget: TrialBudget | undefined;

  /** `trialBudget` is that of all ports together; undefined: every key is tried for everybody. */
  constructor(trialBudget?: TrialBudget) {
    this.#trialBudget = trialBudget;
  }

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
    return this.change({ served: ports, patches: [], gone: [...this.#ports.keys()].filter((port) => !wanted.has(port)) });
  }

  /** Brings one change of the configuration, at once. Costs what it names: whole ports their keys, patches only theirs. */
  change({ served, patches, gone }: PortsChange): KeyChanges {
    const draft = new ChangeDraft(this.#keys);
    for (const port of [...gone, ...served.map(({ port: number }) => number)]) {
      for (const { id } of this.#ports.get(port)?.keys.keys ?? []) draft.leaving.add(id);
    }
    for (const { port, removed } of patches) for (const id of removed) if (this.#keys.get(id)?.port === port) draft.leaving.add(id);
    for (const port of gone) this.#ports.delete(port);
    for (const port of served) {
      const keys = port.keys.map((config) => draft.put(this.#keyFor(config, port.port)));
      this.#ports.set(port.port, portEntry(keys, port, this.#ports.get(port.port), this.#trialBudget));
    }
    for (const patch of patches) this.#patch(patch, draft);
    const changes = draft.finish();
    for (const id of changes.removed) this.limiters.follow(id, undefined);
    return changes;
  }

  #patch({ port, put, removed }: PortPatch, draft: ChangeDraft): void {
    const entry = this.#ports.get(port);
    if (!entry) return;
    const keys = put.map((config) => draft.put(this.#keyFor(config, port)));
    this.#ports.set(port, { ...entry, keys: entry.keys.patched(keys, removed) });
  }

  #keyFor(config: KeyConfig, port: number): AccessKey {
    const { id, name, credential, previousCredential, targets, limits } = config;
    const before = this.#keys.get(id);
    const limiter = limits || before?.limiter ? this.limiters.follow(id, limits) : undefined;
    const isSameElse = before?.limiter === limiter && before?.name === name && sameTargets(before.targets, targets);
    if (before && before.port === port && isSameElse) {
      if (isSame(before.credential, credential) && isSame(before.previous?.credential, previousCredential)) return before;
    }
    const shared = { id, name, port, meter: this.ledger.meterOf(id, port), targets, limiter };
    const previous = previousCredential && { ...shared, credential: previousCredential, previous: undefined, isPrevious: true };
    return { ...shared, credential, previous, isPrevious: false };
  }
}

/** The keys by id while one change is made of them. */
class ChangeDraft {
  /** In force before on a port that changes, and not met on any yet. */
  readonly leaving = new Set<string>();
  readonly #keys: Map<string, AccessKey>;
  readonly #added: string[] = [];
  readonly #changed: string[] = [];

  constructor(keys: Map<string, AccessKey>) {
    this.#keys = keys;
  }

  put(key: AccessKey): AccessKey {
    this.leaving.delete(key.id);
    const before = this.#keys.get(key.id);
    if (before === key) return key;
    (before ? this.#changed : this.#added).push(key.id);
    this.#keys.set(key.id, key);
    return key;
  }

  finish(): KeyChanges {
    for (const id of this.leaving) this.#keys.delete(id);
    return { added: this.#added, removed: [...this.leaving], changed: this.#changed };
  }
}

function portEntry(
  keys: readonly AccessKey[],
  { identityKey, method }: PortConfig,
  before: PortEntry | undefined,
  trialBudget: TrialBudget | undefined,
): PortEntry {
  const keysBefore = before?.keys.keys;
  const sameKeys = keysBefore?.length === keys.length && keys.every((key, at) => keysBefore[at] === key);
  const sameMethod = method === undefined || before?.keys.method === method;
  if (before && sameKeys && sameMethod && sameBytes(before.identityKey, identityKey)) return before;
  return { keys: createPortKeys(keys, identityKey, before?.keys, method, trialBudget), identityKey };
}

function isSame(a: Credential | undefined, b: Credential | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.method === b.method && a.key.equals(b.key));
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.equals(b));
}
