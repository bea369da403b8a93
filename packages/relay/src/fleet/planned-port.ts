import type { ConfigKey, MemberPort } from "@shadowfleet/control-api";
import type { Method } from "@shadowfleet/wire";
import type { KeyConfig, PortConfig, PortPatch } from "../relay-config.ts";
import { keyAt, nextChange, type PlannedKey, planKey } from "./planned-key.ts";
import { isSameShell, type PortPlanSettings, type PortShell, planShell, tooManyKeys } from "./port-shell.ts";

/** What a step did to a port: nothing; some of its keys; all of it; or it cannot be served (any more, or still). */
export type PortStep =
  | { readonly did: "nothing" }
  | { readonly did: "patch"; readonly patch: PortPatch }
  | { readonly did: "serve"; readonly config: PortConfig }
  | { readonly did: "drop" };

const NOTHING: PortStep = { did: "nothing" };

/**
 * One port of management kept ready to be served. Whatever is wrong with it stays with it: a key that is of no use is left out, and a port that
 * cannot be served is dropped. A step costs what has changed, not what there are keys.
 */
export class PlannedPort {
  #source: MemberPort | undefined;
  #shell: PortShell | string = "";
  #served = false;
  readonly #planned = new Map<string, PlannedKey>();
  /** Keys in force, by id. */
  readonly #inForce = new Map<string, KeyConfig>();
  /** Fingerprint of a secret to the id of the key that has it. */
  readonly #owners = new Map<string, string>();
  /** Why keys are left out, by id. */
  readonly #faults = new Map<string, string>();
  #crowd: string | undefined;
  /** Not later than the next change by time. */
  #nextChangeMs = Number.POSITIVE_INFINITY;

  get source(): MemberPort | undefined {
    return this.#source;
  }

  /** The port as it is served now; undefined while it is not. Lists all keys. */
  get config(): PortConfig | undefined {
    return this.#served ? this.#whole(this.#shell as PortShell) : undefined;
  }

  /** The port as it is served now, without its keys. */
  get shell(): PortShell | undefined {
    return this.#served ? (this.#shell as PortShell) : undefined;
  }

  /** Sentences about the port and about keys that are left out; they quote no secret. */
  *problems(): Generator<string, void, void> {
    if (typeof this.#shell === "string") yield this.#shell;
    if (this.#crowd) yield this.#crowd;
    for (const [id, reason] of this.#faults) yield `key "${id}" is left out: ${reason}`;
  }

  /** When to call `tick`; milliseconds since 1970, Infinity for never. */
  get nextChangeMs(): number {
    return this.#nextChangeMs;
  }

  /** Another record of the same port, or other settings. */
  follow(source: MemberPort, settings: PortPlanSettings, nowMs: number): PortStep {
    const before = this.#source;
    const shellBefore = this.#shell;
    this.#source = source;
    this.#shell = source.config ? planShell(source.config, settings) : "its keys have come, but not the port itself";
    if (typeof this.#shell === "string") return this.#drop();
    const isSame = typeof shellBefore !== "string" && isSameShell(shellBefore, this.#shell);
    const { method } = this.#shell;
    if (!isSame) this.#forgetKeys();
    const touched = isSame && before ? before.keys.difference(source.keys) : source.keys.keys();
    const patch = new PatchDraft(source.port);
    for (const id of touched) this.#plan(id, source.keys.get(id), method, nowMs, patch);
    this.#adoptOrphans(source, method, nowMs, patch);
    return this.#settle(isSame && this.#served, patch);
  }

  /** Brings what time has changed. */
  tick(nowMs: number): PortStep {
    if (nowMs < this.#nextChangeMs || typeof this.#shell === "string") return NOTHING;
    this.#nextChangeMs = Number.POSITIVE_INFINITY;
    const patch = new PatchDraft(this.#shell.port);
    for (const key of this.#planned.values()) this.#enforce(key, nowMs, patch);
    return this.#settle(this.#served, patch);
  }

  #plan(id: string, source: ConfigKey | undefined, method: Method, nowMs: number, patch: PatchDraft): void {
    this.#dismiss(id, patch);
    if (!source) return;
    const plan = planKey(source, method);
    if (!plan.ok) {
      this.#faults.set(id, plan.reason);
      return;
    }
    const { fingerprint } = plan.key;
    const owner = this.#owners.get(fingerprint);
    if (owner !== undefined) {
      this.#faults.set(id, `it has the same secret as key "${owner}", and could not be told apart`);
      return;
    }
    this.#owners.set(fingerprint, id);
    this.#planned.set(id, plan.key);
    this.#enforce(plan.key, nowMs, patch);
  }

  /** Nothing is known of the key any more. */
  #dismiss(id: string, patch: PatchDraft): void {
    this.#faults.delete(id);
    const known = this.#planned.get(id);
    if (!known) return;
    this.#planned.delete(id);
    this.#owners.delete(known.fingerprint);
    patch.freed = true;
    if (this.#inForce.delete(id)) patch.remove(id);
  }

  /** A secret that a key gave up may let a key in that was left out for having the same. */
  #adoptOrphans(source: MemberPort, method: Method, nowMs: number, patch: PatchDraft): void {
    if (!patch.freed) return;
    for (const id of [...this.#faults.keys()]) this.#plan(id, source.keys.get(id), method, nowMs, patch);
  }

  #enforce(key: PlannedKey, nowMs: number, patch: PatchDraft): void {
    const { id } = key.alone;
    const config = keyAt(key, nowMs);
    const before = this.#inForce.get(id);
    this.#nextChangeMs = Math.min(this.#nextChangeMs, nextChange(key, nowMs));
    if (config === before) return;
    if (config) {
      this.#inForce.set(id, config);
      patch.put(config);
    } else {
      this.#inForce.delete(id);
      patch.remove(id);
    }
  }

  #settle(wasServed: boolean, patch: PatchDraft): PortStep {
    const shell = this.#shell as PortShell;
    this.#crowd = tooManyKeys(shell, this.#inForce.size);
    if (this.#crowd) return this.#drop();
    this.#served = true;
    if (!wasServed) return { did: "serve", config: this.#whole(shell) };
    return patch.isEmpty ? NOTHING : { did: "patch", patch: patch.finish() };
  }

  #drop(): PortStep {
    const wasServed = this.#served;
    this.#served = false;
    if (typeof this.#shell === "string") {
      this.#crowd = undefined;
      this.#forgetKeys();
    }
    return wasServed ? { did: "drop" } : NOTHING;
  }

  #forgetKeys(): void {
    for (const map of [this.#planned, this.#inForce, this.#owners, this.#faults]) map.clear();
    this.#nextChangeMs = Number.POSITIVE_INFINITY;
  }

  #whole({ port, host, method, identityKey }: PortShell): PortConfig {
    return { port, host, method, identityKey, keys: [...this.#inForce.values()] };
  }
}

/** A patch while it is made: the last word on each key counts. */
class PatchDraft {
  /** A secret has lost its key. */
  freed = false;
  readonly #port: number;
  readonly #changes = new Map<string, KeyConfig | undefined>();

  constructor(port: number) {
    this.#port = port;
  }

  get isEmpty(): boolean {
    return this.#changes.size === 0;
  }

  put(key: KeyConfig): void {
    this.#changes.set(key.id, key);
  }

  remove(id: string): void {
    this.#changes.set(id, undefined);
  }

  finish(): PortPatch {
    const entries = [...this.#changes];
    return {
      port: this.#port,
      put: entries.flatMap(([, key]) => key ?? []),
      removed: entries.flatMap(([id, key]) => (key ? [] : [id])),
    };
  }
}
