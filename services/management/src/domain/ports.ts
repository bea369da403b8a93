import { isIP } from "node:net";
import { RpcError } from "@shadowfleet/control-api";
import type { FleetEvent, PortRecord } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import type { PortEntry } from "../directory/entries.ts";
import type { BindOutcome } from "../directory/members.ts";
import { checkMethod, newIdentityKey } from "./credential-rules.ts";
import { FieldProblems } from "./field-problems.ts";
import { FleetWriter, type WritePlan } from "./fleet-writer.ts";
import { keyEvent } from "./key-events.ts";
import { changeable } from "./versions.ts";

export interface PortDraft {
  readonly port: number;
  /** Empty: every address. */
  readonly host: string;
  /** Empty: the default method. */
  readonly method: string;
}

const EVERY_ADDRESS = "::";
/** Resources in one write; more go in several. */
const BATCH = 1_000;

/** Everything that is done to listening ports. Throws RpcError with fields named as in PortService. */
export class Ports {
  readonly #context: ManagementContext;
  readonly #writer: FleetWriter;

  constructor(context: ManagementContext) {
    this.#context = context;
    this.#writer = new FleetWriter(context.store, context.directory);
  }

  /** The default port as it would be created. */
  defaultRecord(): PortRecord {
    const { port, method } = this.#context.settings.defaults;
    return this.plan({ port, host: "", method }, new FieldProblems()) as PortRecord;
  }

  /** The record of a new port; undefined when the draft is wrong, which is reported. A port whose method has identity headers gets a key for them. */
  plan({ port, host, method: name }: PortDraft, problems: FieldProblems): PortRecord | undefined {
    const { settings, clock } = this.#context;
    problems.require(port >= 1 && port <= 0xffff, "port.port", "must be a port number from 1 to 65535");
    problems.require(host === "" || isIP(host) !== 0, "port.host", 'must be an IP address to bind, such as "::" or "127.0.0.1"');
    const method = checkMethod(name || settings.defaults.method, settings.allowInsecureCiphers);
    if (!method.ok) problems.add("port.method", method.reason);
    if (!method.ok || !problems.isEmpty) return undefined;
    return {
      port,
      host: host || EVERY_ADDRESS,
      method: method.value.name,
      identityKey: newIdentityKey(method.value),
      createdAtMs: clock.now(),
    };
  }

  /** The created port, or the one an earlier call with this request id created. */
  async create(draft: PortDraft, requestId: string | undefined, problems = new FieldProblems()): Promise<PortEntry> {
    const before = await this.#writer.responseTo(requestId);
    if (before !== undefined) return this.#shown(Number(before));
    const record = this.plan(draft, problems);
    problems.throwIfAny();
    return this.add(record as PortRecord, requestId);
  }

  /** Stores a record as `plan` makes it. */
  async add(record: PortRecord, requestId: string | undefined): Promise<PortEntry> {
    const id = String(record.port);
    const plan = (): WritePlan => {
      if (this.#context.directory.view.ports.has(record.port)) {
        throw new RpcError("ALREADY_EXISTS", `there is a port ${id} already`, [{ field: "port.port", description: "is taken" }]);
      }
      return { puts: [{ kind: "port", record }], expect: [{ kind: "port", id, version: 0 }] };
    };
    const done = await this.#writer.commit(plan, { requestId, response: id });
    return this.#shown(done.outcome === "repeated" ? Number(done.response) : record.port);
  }

  /** Waits for the relays' reports, at most to `deadlineMs` (since 1970) or the fleet's own limit. */
  untilBound(entry: PortEntry, deadlineMs: number, signal: AbortSignal): Promise<BindOutcome> {
    const { members, timing, clock } = this.#context;
    // A little before the caller's deadline, so that the answer still gets there.
    const waitMs = Math.min(timing.bindWaitMs, Math.max(deadlineMs - clock.now() - 200, 0));
    return members.untilBound({ port: entry.record.port, revision: entry.version, waitMs, lookMs: timing.bindLookMs, signal });
  }

  /** With `force`, its access keys go with it; without, IN_USE while it has any. */
  async delete(port: number, force: boolean): Promise<void> {
    const { view } = this.#context.directory;
    await this.#writer.commit(() => {
      const entry = changeable(view.ports.get(port), `port ${port}`);
      const keyIds = [...view.keysOf(port)];
      if (keyIds.length > 0 && !force)
        throw new RpcError("IN_USE", `port ${port} has ${keyIds.length} access keys; force deletes them with it`);
      const deletes = keyIds.slice(0, BATCH).map((id) => ({ kind: "key" as const, id }));
      return {
        deletes: [{ kind: "port", id: String(port) }, ...deletes],
        expect: [{ kind: "port", id: String(port), version: entry.version }],
        events: this.#deletions(keyIds.slice(0, BATCH)),
      };
    });
    if (force) await this.#deleteLeftKeys(port);
  }

  #deletions(keyIds: readonly string[]): FleetEvent[] {
    const { directory, clock } = this.#context;
    const nowMs = clock.now();
    const entries = keyIds.flatMap((id) => directory.view.keys.get(id) ?? []);
    return entries.map(({ record }) => keyEvent("key.deleted", record, nowMs));
  }

  async #shown(port: number): Promise<PortEntry> {
    const { directory } = this.#context;
    // Another replica may have served the first call a moment ago.
    await directory.until(() => directory.view.ports.has(port));
    const entry = directory.view.ports.get(port);
    if (!entry) throw new RpcError("NOT_FOUND", `port ${port} was deleted meanwhile`);
    return entry;
  }

  /** What did not fit in the first write, and keys created at the same moment: out of force already, since their port is gone. */
  async #deleteLeftKeys(port: number): Promise<void> {
    const { view } = this.#context.directory;
    const left = (): string[] => [...view.keysOf(port)].filter((id) => view.keys.get(id)?.origin === "runtime").slice(0, BATCH);
    for (let ids = left(); ids.length > 0 && !view.ports.has(port); ids = left()) {
      const gone = new Set(ids);
      await this.#writer.commit(() => ({
        deletes: ids.map((id) => ({ kind: "key" as const, id })),
        expect: [],
        events: this.#deletions(ids),
      }));
      if (left().some((id) => gone.has(id)))
        throw new RpcError("STORE_UNAVAILABLE", `port ${port} is deleted, but not yet all of its access keys`);
    }
  }
}
