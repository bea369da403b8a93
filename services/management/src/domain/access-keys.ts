import { randomBytes } from "node:crypto";
import { RpcError } from "@shadowfleet/control-api";
import type { KeyLimits, KeyRecord, PortRecord, PreviousSecret } from "@shadowfleet/store";
import { findMethod, type Method } from "@shadowfleet/wire";
import { KEY_ID } from "../config/declared-schema.ts";
import type { ManagementContext } from "../context.ts";
import { type KeyEntry, overlapOf, type PortEntry } from "../directory/entries.ts";
import { checkSecret, newSecret, singleKeyReason } from "./credential-rules.ts";
import { FieldProblems } from "./field-problems.ts";
import { FleetWriter, type WritePlan } from "./fleet-writer.ts";
import { checkKeyLimits, checkTargets, checkTexts, checkTimes } from "./key-checks.ts";
import { changeEvents, keyEvent } from "./key-events.ts";
import type { Ports } from "./ports.ts";
import { awaitVersion, changeable } from "./versions.ts";

export interface KeyDraft {
  /** Empty: chosen. */
  readonly id: string;
  readonly displayName: string;
  /** 0: the default port, created where there is none. */
  readonly port: number;
  /** Empty: chosen. */
  readonly secret: string;
  readonly disabled: boolean;
  readonly disabledReason: string;
  readonly startsAtMs: number | undefined;
  readonly expiresAtMs: number | undefined;
  /** Absent: none. */
  readonly allowTargets?: readonly string[];
  readonly denyTargets?: readonly string[];
  /** Absent: none. */
  readonly limits?: KeyLimits;
}

export type KeyChange = Partial<
  Pick<KeyRecord, "displayName" | "disabled" | "disabledReason" | "startsAtMs" | "expiresAtMs" | "allowTargets" | "denyTargets">
> & {
  /** The new limits, made of those that are. When a quota was reset is not its matter. */
  readonly limits?: (before: KeyLimits) => KeyLimits;
};

export interface Rotation {
  /** Empty: chosen. */
  readonly secret: string;
  /** How long the old secret still works; 0: not at all. */
  readonly overlapMs: number;
  readonly requestId: string | undefined;
}

/** When a session last opened with a secret that is being rotated out. Kept with the secret it is about. */
export interface UsedSecret {
  readonly lastUsedAtMs?: number | undefined;
}

const ID_RULE = "must be 1 to 64 lower-case letters, digits, dots, dashes and underscores";
export const MAX_OVERLAP_MS = 366 * 86_400_000;

/** Everything that is done to access keys, whichever protocol asks. Throws RpcError with fields named as in AccessKeyService. */
export class AccessKeys {
  readonly #context: ManagementContext;
  readonly #ports: Ports;
  readonly #writer: FleetWriter;

  constructor(context: ManagementContext, ports: Ports) {
    this.#context = context;
    this.#ports = ports;
    this.#writer = new FleetWriter(context.store, context.directory);
  }

  /** The created key, or the one an earlier call with this request id created. `problems` already found are reported with those found here. */
  async create(draft: KeyDraft, requestId: string | undefined, problems = new FieldProblems()): Promise<KeyEntry> {
    const before = await this.#writer.responseTo(requestId);
    if (before !== undefined) return this.#repeated(before);
    if (draft.id !== "") problems.require(KEY_ID.test(draft.id), "access_key.id", ID_RULE);
    checkTexts(draft, problems);
    checkTargets(draft, problems);
    checkTimes(draft.startsAtMs, draft.expiresAtMs, problems);
    checkKeyLimits(draft.limits, problems);
    const id = draft.id === "" ? newKeyId() : draft.id;
    const done = await this.#writer.commit(() => this.#planCreate(draft, id, problems), { requestId, response: id });
    return done.outcome === "repeated" ? this.#repeated(done.response) : this.#shown(id);
  }

  /** `version` 0: whatever it is now. */
  async update(id: string, version: number, change: KeyChange, problems = new FieldProblems()): Promise<KeyEntry> {
    checkTexts({ displayName: change.displayName ?? "", disabledReason: change.disabledReason ?? "" }, problems);
    checkTargets(change, problems);
    await awaitVersion(this.#context.directory, version);
    await this.#writer.commit(() => this.#planUpdate(id, version, change, problems));
    return this.#shown(id);
  }

  async delete(id: string, version: number): Promise<void> {
    await awaitVersion(this.#context.directory, version);
    await this.#writer.commit(() => {
      const entry = changeable(this.#context.directory.view.keys.get(id), `access key "${id}"`, version);
      const events = [keyEvent("key.deleted", entry.record, this.#context.clock.now())];
      return { deletes: [{ kind: "key", id }], expect: [{ kind: "key", id, version: entry.version }], events };
    });
  }

  /** What was relayed until now does not count against the quota any more. */
  async resetQuota(id: string): Promise<KeyEntry> {
    const { directory, clock, store } = this.#context;
    const nowMs = clock.now();
    // Hours are not kept for a lifetime: what it counts is what came after the mark in the key's totals.
    const now = directory.view.keys.get(id);
    const isLifetime = now?.record.limits?.quota?.window.kind === "lifetime";
    if (isLifetime && now?.origin === "runtime") await store.resetTraffic(id, nowMs);
    await this.#writer.commit(() => {
      const known = directory.view.keys.get(id);
      if (known?.origin === "declared") {
        const how = "set quota.resetTime of its limits there";
        throw new RpcError("DECLARED_READ_ONLY", `access key "${id}" is declared in management's configuration file: ${how}`);
      }
      const entry = changeable(known, `access key "${id}"`);
      const quota = entry.record.limits?.quota;
      if (!quota) throw new RpcError("NO_QUOTA", `access key "${id}" has no quota`);
      const limits = { ...entry.record.limits, quota: { ...quota, resetAtMs: nowMs } };
      return putChange(entry, { ...entry.record, limits, updatedAtMs: nowMs }, nowMs);
    });
    return this.#shown(id);
  }

  async rotate(id: string, rotation: Rotation, problems = new FieldProblems()): Promise<KeyEntry> {
    const before = await this.#writer.responseTo(rotation.requestId);
    if (before !== undefined) return this.#repeated(before);
    await this.#writer.commit(() => this.#planRotation(id, rotation, problems), { requestId: rotation.requestId, response: id });
    return this.#shown(id);
  }

  /** A relay saw the old secret used. Written at most once a minute and key; news that came late or too often is dropped. */
  async noteOldSecretUse(id: string, atMs: number): Promise<void> {
    const { directory, clock, timing } = this.#context;
    const inProgress = (): PreviousSecret | undefined => {
      const entry = directory.view.keys.get(id);
      const previous: (PreviousSecret & UsedSecret) | undefined =
        entry?.origin === "runtime" ? overlapOf(entry.record, clock.now()) : undefined;
      const isNews = previous?.lastUsedAtMs === undefined || atMs - previous.lastUsedAtMs >= timing.oldSecretUseMs;
      return isNews ? previous : undefined;
    };
    if (!inProgress()) return;
    const plan = (): WritePlan => {
      const { record, version } = changeable(directory.view.keys.get(id), `access key "${id}"`);
      const previous = inProgress();
      const used = previous && { ...previous, lastUsedAtMs: atMs };
      return putKey({ ...record, previousSecret: used ?? record.previousSecret }, version);
    };
    await this.#writer.commit(plan).catch((error: unknown) => {
      if (!(error instanceof RpcError)) throw error;
    });
  }

  #planCreate(draft: KeyDraft, id: string, problems: FieldProblems): WritePlan {
    const { directory, clock } = this.#context;
    const port = this.#portFor(draft.port, problems);
    const method = port && findMethod(port.record.method);
    const secret = port && method && this.#secretFor(method, draft.secret, port.record.port, "access_key.secret", id, problems);
    problems.throwIfAny();
    if (!port || secret === undefined) throw new RpcError("IN_USE", `port ${draft.port} has no usable method`);
    const single = singleKeyReason(port.record);
    if (single !== undefined && directory.view.keysOf(port.record.port).size > 0) {
      throw new RpcError("IN_USE", `port ${port.record.port} has its access key already: ${single}`, [
        { field: "access_key.port", description: single },
      ]);
    }
    const nowMs = clock.now();
    const { displayName, disabled, disabledReason, startsAtMs, expiresAtMs, allowTargets = [], denyTargets = [], limits = {} } = draft;
    const record: KeyRecord = {
      id,
      displayName,
      port: port.record.port,
      secret,
      previousSecret: undefined,
      disabled,
      disabledReason,
      startsAtMs,
      expiresAtMs,
      ...(allowTargets.length > 0 && { allowTargets }),
      ...(denyTargets.length > 0 && { denyTargets }),
      ...limitsField(limits),
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    this.#refuseTaken(id);
    const put = { ...putKey(record, 0), events: [keyEvent("key.created", record, nowMs)] };
    return withPort(put, port, single !== undefined);
  }

  /** An id in use, wherever from. The store decides about ids this process has not heard of yet. */
  #refuseTaken(id: string): void {
    if (this.#context.directory.view.keys.has(id)) {
      throw new RpcError("ALREADY_EXISTS", `there is an access key "${id}" already`, [{ field: "access_key.id", description: "is taken" }]);
    }
  }

  #planUpdate(id: string, version: number, change: KeyChange, problems: FieldProblems): WritePlan {
    const entry = changeable(this.#context.directory.view.keys.get(id), `access key "${id}"`, version);
    const { limits: before = {}, ...rest } = entry.record;
    const { limits: changeLimits = (same: KeyLimits) => same, ...fields } = change;
    const limits = withReset(changeLimits(before), before);
    const nowMs = this.#context.clock.now();
    const record: KeyRecord = { ...rest, ...fields, ...limitsField(limits), updatedAtMs: nowMs };
    checkTimes(record.startsAtMs, record.expiresAtMs, problems);
    checkKeyLimits(limits, problems);
    problems.throwIfAny();
    return putChange(entry, record, nowMs);
  }

  #planRotation(id: string, { secret: wanted, overlapMs }: Rotation, problems: FieldProblems): WritePlan {
    const { directory, clock } = this.#context;
    const entry = changeable(directory.view.keys.get(id), `access key "${id}"`);
    const port = directory.view.ports.get(entry.record.port)?.record;
    const method = port && findMethod(port.method);
    if (!port || !method) throw new RpcError("IN_USE", `access key "${id}" has no port: there is no port ${entry.record.port}`);
    const secret = this.#secretFor(method, wanted, port.port, "secret", id, problems);
    problems.require(secret !== entry.record.secret, "secret", "is the key's secret already");
    const single = singleKeyReason(port);
    if (single !== undefined) problems.require(overlapMs === 0, "overlap", `two secrets cannot work at once here: ${single}`);
    problems.throwIfAny();
    const nowMs = clock.now();
    const previousSecret = overlapMs > 0 ? { secret: entry.record.secret, expiresAtMs: nowMs + overlapMs } : undefined;
    const record = { ...entry.record, secret, previousSecret, updatedAtMs: nowMs };
    return { ...putKey(record, entry.version), events: [keyEvent("key.rotated", record, nowMs, { overlapSeconds: overlapMs / 1_000 })] };
  }

  /** The port a new key goes to; the default port as it would be created where there is none. */
  #portFor(wanted: number, problems: FieldProblems): PortEntry | { readonly record: PortRecord; readonly origin: "new" } | undefined {
    const { directory, settings } = this.#context;
    if (wanted < 0 || wanted > 0xffff) {
      problems.add("access_key.port", "must be a port number from 1 to 65535, or 0 for the default port");
      return undefined;
    }
    const number = wanted === 0 ? settings.defaults.port : wanted;
    const known = directory.view.ports.get(number);
    if (known) return known;
    if (wanted === 0) return { record: this.#ports.defaultRecord(), origin: "new" };
    problems.add("access_key.port", `there is no port ${number}: create it first, or leave 0 for the default port`);
    return undefined;
  }

  #secretFor(method: Method, wanted: string, port: number, field: string, ownId: string, problems: FieldProblems): string {
    if (wanted === "") return newSecret(method);
    const checked = checkSecret(method, wanted);
    if (!checked.ok) {
      problems.add(field, checked.reason);
      return wanted;
    }
    const holder = this.#holderOf(port, checked.value, ownId);
    if (holder !== undefined) problems.add(field, `access key "${holder}" of the same port has this secret: they could not be told apart`);
    return checked.value;
  }

  #holderOf(port: number, secret: string, exceptId: string): string | undefined {
    const { view } = this.#context.directory;
    const nowMs = this.#context.clock.now();
    for (const id of view.keysOf(port)) {
      const record = view.keys.get(id)?.record;
      if (record && id !== exceptId && (record.secret === secret || overlapOf(record, nowMs)?.secret === secret)) return id;
    }
    return undefined;
  }

  async #repeated(id: string): Promise<KeyEntry> {
    // Another replica may have served the first call a moment ago.
    await this.#context.directory.until(() => this.#context.directory.view.keys.has(id));
    return this.#shown(id);
  }

  #shown(id: string): KeyEntry {
    const entry = this.#context.directory.view.keys.get(id);
    if (!entry) throw new RpcError("NOT_FOUND", `access key "${id}" was deleted meanwhile`);
    return entry;
  }
}

function putKey(record: KeyRecord, version: number): WritePlan {
  return { puts: [{ kind: "key", record }], expect: [{ kind: "key", id: record.id, version }] };
}

/** Puts the changed record, with the event that says what is different. */
function putChange({ record: before, version }: KeyEntry, record: KeyRecord, nowMs: number): WritePlan {
  return { ...putKey(record, version), events: changeEvents(before, record, nowMs) };
}

/** Nothing where there are no limits, so that a record says so in one way. */
function limitsField(limits: KeyLimits): Pick<KeyRecord, "limits"> {
  return Object.keys(limits).length === 0 ? {} : { limits };
}

/** A quota that is raised or lowered goes on where it was. */
function withReset(limits: KeyLimits, before: KeyLimits): KeyLimits {
  const resetAtMs = before.quota?.resetAtMs;
  return limits.quota && resetAtMs !== undefined ? { ...limits, quota: { ...limits.quota, resetAtMs } } : limits;
}

/** Ties a new key to its port: written with it when new, unchanged otherwise; and for a port with room for one, nobody else may join it meanwhile. */
function withPort(
  plan: WritePlan,
  port: PortEntry | { readonly record: PortRecord; readonly origin: "new" },
  isExclusive: boolean,
): WritePlan {
  if (port.origin === "declared") return plan;
  const id = String(port.record.port);
  const expect = [...plan.expect, { kind: "port" as const, id, version: port.origin === "new" ? 0 : port.version }];
  const isWritten = port.origin === "new" || isExclusive;
  return { ...plan, puts: [...(isWritten ? [{ kind: "port" as const, record: port.record }] : []), ...(plan.puts ?? [])], expect };
}

/** 50 random bits in letters and digits that are hard to confuse. */
function newKeyId(): string {
  const letters = "abcdefghjkmnpqrstuvwxyz123456789";
  return `key-${[...randomBytes(10)].map((byte) => letters[byte % letters.length]).join("")}`;
}
