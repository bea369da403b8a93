import type { FleetState, KeyRecord, PortRecord, ResourceChange, UpstreamRecord, Versioned } from "@shadowfleet/store";
import { findMethod } from "@shadowfleet/wire";
import type { DeclaredConfig } from "../config/declared-plan.ts";
import { secretFits, singleKeyReason } from "../domain/credential-rules.ts";
import { type KeyEntry, keyStateOf, type PortEntry, turnOf, type UpstreamEntry } from "./entries.ts";
import { SortedIds } from "./sorted-ids.ts";
import { addTouched, nothingTouched, type Touched } from "./touched.ts";

/** A resource that is configured but not in force. */
export interface ConfigConflict {
  readonly resource: "access key" | "port" | "upstream";
  readonly id: string;
  readonly reason: string;
}

type Layer = Pick<FleetState, "ports" | "keys" | "upstreams">;
interface RuntimeLayer {
  ports: Map<number, Versioned<PortRecord>>;
  keys: Map<string, Versioned<KeyRecord>>;
  upstreams: Map<string, Versioned<UpstreamRecord>>;
}

const NO_KEYS: ReadonlySet<string> = new Set();

/** Declared and run-time resources as one; a declared one hides the run-time one of the same id. Holds no time: see `entries.ts`. */
export class MergedView {
  #declared: DeclaredConfig;
  #runtime: RuntimeLayer = { ports: new Map(), keys: new Map(), upstreams: new Map() };
  readonly #ports = new Map<number, PortEntry>();
  readonly #keys = new Map<string, KeyEntry>();
  readonly #upstreams = new Map<string, UpstreamEntry>();
  readonly #keyIds = new SortedIds();
  readonly #keysOfPort = new Map<number, Set<string>>();
  readonly #conflicts = new Map<string, ConfigConflict>();

  constructor(declared: DeclaredConfig) {
    this.#declared = declared;
    this.#refresh(declared, declared);
  }

  get ports(): ReadonlyMap<number, PortEntry> {
    return this.#ports;
  }

  get keys(): ReadonlyMap<string, KeyEntry> {
    return this.#keys;
  }

  /** Ids of all access keys in order. */
  get keyIds(): SortedIds {
    return this.#keyIds;
  }

  keysOf(port: number): ReadonlySet<string> {
    return this.#keysOfPort.get(port) ?? NO_KEYS;
  }

  get upstreams(): ReadonlyMap<string, UpstreamEntry> {
    return this.#upstreams;
  }

  /** In the order of tries: declared ones first, then those created at run time. */
  get upstreamsInOrder(): readonly UpstreamEntry[] {
    return [...this.#upstreams.values()].sort((a, b) => (turnOf(a) < turnOf(b) ? -1 : 1));
  }

  get conflicts(): Iterable<ConfigConflict> {
    return this.#conflicts.values();
  }

  get conflictCount(): number {
    return this.#conflicts.size;
  }

  /** Why the key cannot serve whatever the time; undefined when it can. Declared ones were checked when they were loaded. */
  conflictOf(keyId: string): ConfigConflict | undefined {
    return this.#declared.keys.has(keyId) ? undefined : this.#conflicts.get(`access key ${keyId}`);
  }

  /** Whether the key serves at that moment, or will by time alone. */
  isInForce(keyId: string, nowMs: number): boolean {
    const entry = this.#keys.get(keyId);
    if (!entry || this.conflictOf(keyId)) return false;
    const state = keyStateOf(entry.record, nowMs);
    return state !== "disabled" && state !== "expired";
  }

  replaceRuntime({ ports, keys, upstreams }: Layer): Touched {
    const before = this.#runtime;
    this.#runtime = { ports: new Map(ports), keys: new Map(keys), upstreams: new Map(upstreams) };
    return this.#refresh(before, this.#runtime);
  }

  replaceDeclared(declared: DeclaredConfig): Touched {
    const before = this.#declared;
    this.#declared = declared;
    return this.#refresh(before, declared);
  }

  apply(changes: readonly ResourceChange[]): Touched {
    const touched = nothingTouched();
    const asked = nothingTouched();
    for (const change of changes) {
      if (change.kind === "port") {
        setOrDelete(this.#runtime.ports, Number(change.id), change.put);
        this.#refreshPort(Number(change.id), touched);
        asked.ports.add(Number(change.id));
      } else if (change.kind === "key") {
        setOrDelete(this.#runtime.keys, change.id, change.put);
        this.#refreshKey(change.id, touched);
        asked.keys.add(change.id);
      } else {
        setOrDelete(this.#runtime.upstreams, change.id, change.put);
        this.#refreshUpstream(change.id, touched);
        asked.upstreams.add(change.id);
      }
    }
    addTouched(asked, touched);
    this.#judge(asked);
    return touched;
  }

  #refresh(before: Layer, after: Layer): Touched {
    const touched = nothingTouched();
    const asked: Touched = {
      ...nothingTouched(),
      ports: new Set([...before.ports.keys(), ...after.ports.keys()]),
      keys: new Set([...before.keys.keys(), ...after.keys.keys()]),
      upstreams: new Set([...before.upstreams.keys(), ...after.upstreams.keys()]),
    };
    for (const port of asked.ports) this.#refreshPort(port, touched);
    // Sorting once beats inserting each of very many.
    const isMany = asked.keys.size > 1_000;
    for (const id of asked.keys) this.#refreshKey(id, touched, !isMany);
    if (isMany) this.#keyIds.replace(this.#keys.keys());
    for (const id of asked.upstreams) this.#refreshUpstream(id, touched);
    addTouched(asked, touched);
    this.#judge(asked);
    return touched;
  }

  #refreshPort(port: number, touched: Touched): void {
    const entry = entryOf(this.#declared.ports.get(port), this.#runtime.ports.get(port));
    if (!replaceEntry(this.#ports, port, entry)) return;
    touched.ports.add(port);
    // What holds for a key depends on its port.
    for (const id of this.keysOf(port)) touched.keys.add(id);
  }

  #refreshKey(id: string, touched: Touched, sort = true): void {
    const known = this.#keys.get(id)?.record;
    const before = known?.port;
    const entry = entryOf(this.#declared.keys.get(id), this.#runtime.keys.get(id));
    if (!replaceEntry(this.#keys, id, entry)) return;
    touched.keys.add(id);
    // Deleted and created anew in one go: another key, though of the same name.
    if (known && entry && known.createdAtMs !== entry.record.createdAtMs) touched.gone.add(id);
    if (sort) {
      if (entry) this.#keyIds.add(id);
      else this.#keyIds.delete(id);
    }
    if (before !== undefined && before !== entry?.record.port) this.#leavePort(before, id, touched);
    if (entry && before !== entry.record.port) this.#joinPort(entry.record.port, id, touched);
  }

  #refreshUpstream(id: string, touched: Touched): void {
    const entry = entryOf(this.#declared.upstreams.get(id), this.#runtime.upstreams.get(id));
    if (replaceEntry(this.#upstreams, id, entry)) touched.upstreams.add(id);
  }

  #joinPort(port: number, id: string, touched: Touched): void {
    const ids = this.#keysOfPort.get(port) ?? new Set();
    this.#keysOfPort.set(port, ids.add(id));
    this.#touchRivals(port, touched);
  }

  #leavePort(port: number, id: string, touched: Touched): void {
    const ids = this.#keysOfPort.get(port);
    ids?.delete(id);
    if (ids?.size === 0) this.#keysOfPort.delete(port);
    this.#touchRivals(port, touched);
  }

  /** On a port that can have one key, each new or gone key decides anew which one serves. */
  #touchRivals(port: number, touched: Touched): void {
    const entry = this.#ports.get(port);
    if (entry && singleKeyReason(entry.record) !== undefined) for (const id of this.keysOf(port)) touched.keys.add(id);
  }

  #judge({ ports, keys, upstreams }: Touched): void {
    for (const port of ports) this.#note("port", String(port), hidden(this.#declared.ports.get(port), this.#runtime.ports.get(port)));
    for (const id of upstreams) this.#note("upstream", id, hidden(this.#declared.upstreams.get(id), this.#runtime.upstreams.get(id)));
    for (const id of keys) {
      this.#note("access key", id, hidden(this.#declared.keys.get(id), this.#runtime.keys.get(id)) ?? this.#uselessKey(id));
    }
  }

  #uselessKey(id: string): string | undefined {
    const key = this.#keys.get(id)?.record;
    if (!key) return undefined;
    const port = this.#ports.get(key.port)?.record;
    if (!port) return `there is no port ${key.port}`;
    if (!secretFits(findMethod(port.method), key.secret)) return `its secret is none of ${port.method}, the method of port ${key.port}`;
    const single = singleKeyReason(port);
    if (single === undefined) return undefined;
    const serving = this.#firstOf(key.port);
    return serving === id ? undefined : `port ${key.port} serves "${serving}": ${single}`;
  }

  /** Of the keys that share a port for one: declared before run-time, then the oldest. */
  #firstOf(port: number): string | undefined {
    const rank = (id: string): string => {
      const { origin, record } = this.#keys.get(id)!;
      return `${origin === "declared" ? 0 : 1} ${String(record.createdAtMs).padStart(16, "0")} ${id}`;
    };
    return [...this.keysOf(port)].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))[0];
  }

  #note(resource: ConfigConflict["resource"], id: string, reason: string | undefined): void {
    if (reason === undefined) this.#conflicts.delete(`${resource} ${id}`);
    else this.#conflicts.set(`${resource} ${id}`, { resource, id, reason });
  }
}

function entryOf<T>(
  declared: Versioned<T> | undefined,
  runtime: Versioned<T> | undefined,
): { readonly record: T; readonly version: number; readonly origin: "declared" | "runtime" } | undefined {
  if (declared) return { ...declared, origin: "declared" };
  return runtime && { ...runtime, origin: "runtime" };
}

/** True when something is different now. */
function replaceEntry<Id, E extends { readonly version: number; readonly origin: string }>(
  entries: Map<Id, E>,
  id: Id,
  entry: E | undefined,
): boolean {
  const before = entries.get(id);
  if (before?.version === entry?.version && before?.origin === entry?.origin) return false;
  setOrDelete(entries, id, entry);
  return true;
}

function setOrDelete<Id, T>(map: Map<Id, T>, id: Id, value: T | undefined): void {
  if (value === undefined) map.delete(id);
  else map.set(id, value);
}

function hidden(declared: unknown, runtime: unknown): string | undefined {
  return declared !== undefined && runtime !== undefined ? "created at run time, but hidden by the declared one of the same id" : undefined;
}
