import { RpcError } from "@shadowfleet/control-api";
import { codeOf } from "@shadowfleet/runtime";
import type { PortRecord } from "@shadowfleet/store";
import { findMethod } from "@shadowfleet/wire";
import type { ManagementContext } from "../context.ts";
import type { KeyEntry, PortEntry } from "../directory/entries.ts";
import type { AccessKeys, KeyDraft } from "../domain/access-keys.ts";
import { checkSecret } from "../domain/credential-rules.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import type { Ports } from "../domain/ports.ts";
import { changeable } from "../domain/versions.ts";

export interface AddPort {
  readonly port: number;
  readonly password: string;
  /** Empty: the fleet's default. */
  readonly method: string;
}

/** A port with one access key, which is all that the datagram protocols know. */
export interface ServedPort {
  readonly port: number;
  readonly password: string;
  readonly method: string;
}

/** Payload bytes of a port, TCP and UDP, both ways, since it first existed. */
export interface PortTotal {
  readonly port: number;
  readonly bytes: number;
}

/** Ports read from the store at the same time. */
const PARALLEL_READS = 32;

/** What the datagram protocols can do, by the same domain code as the gRPC API. Commands about one port run one after the other. */
export class PortCommands {
  readonly #context: ManagementContext;
  readonly #ports: Ports;
  readonly #keys: AccessKeys;
  readonly #tails = new Map<number, Promise<unknown>>();
  readonly #stopping = new AbortController();

  constructor(context: ManagementContext, ports: Ports, keys: AccessKeys) {
    this.#context = context;
    this.#ports = ports;
    this.#keys = keys;
  }

  /** Waits for no relay any more: what is not bound by now is refused. */
  stop(): void {
    this.#stopping.abort();
  }

  /**
   * "bound" once every live relay serves the port. Otherwise "refused", and a port that is new is taken away again: bad password or method,
   * a port that is declared or has several keys, no relay, one that cannot bind it or says nothing in time. A port that exists gets the password.
   */
  add(request: AddPort): Promise<"bound" | "refused"> {
    return this.#inTurn(request.port, () => this.#add(request)).catch((error: unknown) => {
      this.#logRefusal("add", request.port, error);
      return "refused";
    });
  }

  /** False when it is declared or the store is away. A port that is not there counts as removed. */
  remove(port: number): Promise<boolean> {
    return this.#inTurn(port, () => this.#ports.delete(port, true)).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === "NOT_FOUND") return true;
        this.#logRefusal("remove", port, error);
        return false;
      },
    );
  }

  /** Ports with exactly one key, in order: what `add` makes. */
  async list(): Promise<readonly ServedPort[]> {
    return this.#numbers().flatMap((port) => {
      const only = this.#onlyKey(port);
      const entry = this.#context.directory.view.ports.get(port);
      return only && entry ? [{ port, password: only.record.secret, method: entry.record.method }] : [];
    });
  }

  /** Every port's total in order of numbers. Rejects with STORE_UNAVAILABLE. */
  async totals(): Promise<readonly PortTotal[]> {
    const numbers = this.#numbers();
    const totals: PortTotal[] = [];
    for (let at = 0; at < numbers.length; at += PARALLEL_READS) {
      totals.push(...(await Promise.all(numbers.slice(at, at + PARALLEL_READS).map((port) => this.#total(port)))));
    }
    return totals;
  }

  async #add(request: AddPort): Promise<"bound" | "refused"> {
    const { directory, logger } = this.#context;
    const isNew = !directory.view.ports.has(request.port);
    const entry = isNew ? await this.#create(request) : await this.#replace(request);
    // The revision by now has the key too: a port without it serves nobody.
    const place = { ...entry, version: directory.place.revision };
    const { bindings, isComplete } = await this.#ports.untilBound(place, Number.POSITIVE_INFINITY, this.#stopping.signal);
    if (isComplete && bindings.length > 0 && bindings.every(({ bound }) => bound)) return "bound";
    const failed = bindings.filter(({ bound }) => !bound);
    logger.warn(
      { code: "BIND_FAILED", port: request.port, relays: bindings.length, failed },
      "the relays do not serve what a datagram asked for",
    );
    if (isNew) await this.#ports.delete(request.port, true);
    return "refused";
  }

  /** Clients of such a port know its password only, so a 2022 port gets no identity key here. */
  async #create(request: AddPort): Promise<PortEntry> {
    const problems = new FieldProblems();
    const planned = this.#ports.plan({ port: request.port, host: "", method: request.method }, problems);
    const method = planned && findMethod(planned.method);
    const secret = method && checkSecret(method, request.password);
    if (secret && !secret.ok) problems.add("password", secret.reason);
    problems.throwIfAny();
    const entry = await this.#ports.add({ ...(planned as PortRecord), identityKey: "" }, undefined);
    try {
      await this.#keys.create(this.#draftFor(request), undefined);
    } catch (error) {
      await this.#ports.delete(request.port, true);
      throw error;
    }
    return entry;
  }

  /** The port gets the password; one with another method is made anew, as both ancestors do. */
  async #replace(request: AddPort): Promise<PortEntry> {
    const { port, password } = request;
    const { view } = this.#context.directory;
    const known = changeable(view.ports.get(port), `port ${port}`);
    const only = this.#onlyKey(port);
    if (!only && view.keysOf(port).size > 0) throw new RpcError("IN_USE", `port ${port} has several access keys`);
    const isOtherMethod = request.method !== "" && findMethod(request.method)?.name !== known.record.method;
    if (isOtherMethod) {
      await this.#ports.delete(port, true);
      return this.#create(request);
    }
    if (!only) await this.#keys.create(this.#draftFor(request), undefined);
    else if (only.record.secret !== password)
      await this.#keys.rotate(only.record.id, { secret: password, overlapMs: 0, requestId: undefined });
    return known;
  }

  #draftFor({ port, password }: AddPort): KeyDraft {
    // The id by which the relays' own files call the one key of a port.
    const id = this.#context.directory.view.keys.has(String(port)) ? "" : String(port);
    return {
      id,
      displayName: "",
      port,
      secret: password,
      disabled: false,
      disabledReason: "",
      startsAtMs: undefined,
      expiresAtMs: undefined,
    };
  }

  #onlyKey(port: number): KeyEntry | undefined {
    const { view } = this.#context.directory;
    const [id, ...others] = view.keysOf(port);
    return id !== undefined && others.length === 0 ? view.keys.get(id) : undefined;
  }

  #numbers(): number[] {
    return [...this.#context.directory.view.ports.keys()].sort((a, b) => a - b);
  }

  async #total(port: number): Promise<PortTotal> {
    const { tcpUp, tcpDown, udpUp, udpDown } = (await this.#context.store.readTraffic({ kind: "port", port })).total;
    return { port, bytes: tcpUp + tcpDown + udpUp + udpDown };
  }

  #inTurn<T>(port: number, run: () => Promise<T>): Promise<T> {
    const turn = (this.#tails.get(port) ?? Promise.resolve()).then(run, run);
    const tail = turn
      .catch(() => undefined)
      .finally(() => {
        if (this.#tails.get(port) === tail) this.#tails.delete(port);
      });
    this.#tails.set(port, tail);
    return turn;
  }

  #logRefusal(command: string, port: number, error: unknown): void {
    const code = codeOf(error);
    const { logger } = this.#context;
    if (code === "INTERNAL") logger.error({ code, port, err: error }, `${command} by datagram failed: a bug, please report it`);
    else logger.warn({ code, port }, `${command} by datagram refused: ${(error as Error).message}`);
  }
}
