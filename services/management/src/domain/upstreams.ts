import { RpcError } from "@shadowfleet/control-api";
import type { UpstreamRecord } from "@shadowfleet/store";
import { addressFrom, deriveCredential, parseAccessUri } from "@shadowfleet/wire";
import { upstreamIdOf } from "../config/declared-plan.ts";
import { UPSTREAM_ID } from "../config/declared-schema.ts";
import type { ManagementContext } from "../context.ts";
import type { UpstreamEntry } from "../directory/entries.ts";
import { checkMethod } from "./credential-rules.ts";
import { FieldProblems } from "./field-problems.ts";
import { FleetWriter } from "./fleet-writer.ts";
import { changeable } from "./versions.ts";

export interface UpstreamDraft {
  /** Empty: host:port. */
  readonly id: string;
  readonly host: string;
  /** Empty: the same host. */
  readonly udpHost: string;
  readonly port: number;
  readonly method: string;
  readonly secret: string;
  readonly displayName: string;
}

const MAX_TEXT_BYTES = 256;
/** Orders grow with time, and within a millisecond by chance, so that replicas that create at once do not collide. */
const ORDERS_PER_MS = 1_000;

/** Everything that is done to upstreams. Throws RpcError with fields named as in UpstreamService. */
export class Upstreams {
  readonly #context: ManagementContext;
  readonly #writer: FleetWriter;

  constructor(context: ManagementContext) {
    this.#context = context;
    this.#writer = new FleetWriter(context.store, context.directory);
  }

  /** `accessUri` (empty: none) takes the place of host, port, method and secret. */
  async create(
    draft: UpstreamDraft,
    accessUri: string,
    requestId: string | undefined,
    problems = new FieldProblems(),
  ): Promise<UpstreamEntry> {
    const before = await this.#writer.responseTo(requestId);
    if (before !== undefined) return this.#shown(before);
    const whole = accessUri === "" ? draft : fromUri(draft, accessUri, problems);
    const checked = this.#check(whole, problems);
    problems.throwIfAny();
    const { directory } = this.#context;
    const done = await this.#writer.commit(
      () => {
        if (directory.view.upstreams.has(checked.id)) {
          throw new RpcError("ALREADY_EXISTS", `there is an upstream "${checked.id}" already`, [
            { field: "upstream.id", description: "is taken" },
          ]);
        }
        const record: UpstreamRecord = { ...checked, order: this.#nextOrder() };
        return { puts: [{ kind: "upstream", record }], expect: [{ kind: "upstream", id: checked.id, version: 0 }] };
      },
      { requestId, response: checked.id },
    );
    return this.#shown(done.outcome === "repeated" ? done.response : checked.id);
  }

  async delete(id: string): Promise<void> {
    await this.#writer.commit(() => {
      const { version } = changeable(this.#context.directory.view.upstreams.get(id), `upstream "${id}"`);
      return { deletes: [{ kind: "upstream", id }], expect: [{ kind: "upstream", id, version }] };
    });
    await this.#context.store.clearFailures(id);
  }

  async resetCircuit(id: string): Promise<UpstreamEntry> {
    const { directory, store } = this.#context;
    const entry = this.find(id);
    await store.clearFailures(id);
    await directory.until(() => (directory.failCounts.get(id)?.count ?? 0) === 0);
    return entry;
  }

  find(id: string): UpstreamEntry {
    const entry = this.#context.directory.view.upstreams.get(id);
    if (!entry) throw new RpcError("NOT_FOUND", `there is no upstream "${id}"`);
    return entry;
  }

  #check(
    { id, host, udpHost, port, method: name, secret, displayName }: UpstreamDraft,
    problems: FieldProblems,
  ): Omit<UpstreamRecord, "order"> {
    const isPort = port >= 1 && port <= 0xffff;
    problems.require(isPort, "upstream.port", "must be a port number from 1 to 65535");
    const address = addressFrom(host, isPort ? port : 1);
    if (!address) problems.add("upstream.host", "must be a host name or IP address");
    const udpAddress = udpHost === "" ? undefined : addressFrom(udpHost, isPort ? port : 1);
    problems.require(udpHost === "" || udpAddress !== undefined, "upstream.udp_host", "must be a host name or IP address");
    const chosenId = id || upstreamIdOf(address?.host ?? host, port);
    if (id !== "")
      problems.require(
        UPSTREAM_ID.test(id),
        "upstream.id",
        "must be 1 to 128 letters, digits, dots, dashes, underscores, colons and brackets",
      );
    problems.require(
      Buffer.byteLength(displayName) <= MAX_TEXT_BYTES,
      "upstream.display_name",
      `must have at most ${MAX_TEXT_BYTES} bytes`,
    );
    problems.require(
      displayName.isWellFormed() && !/\p{Cc}/u.test(displayName),
      "upstream.display_name",
      "must not have control characters",
    );
    const method = checkMethod(name, this.#context.settings.allowInsecureCiphers);
    if (!method.ok) problems.add("upstream.method", method.reason);
    const derived = method.ok ? deriveCredential(method.value.name, secret) : undefined;
    if (derived && !derived.ok) problems.add("upstream.secret", derived.reason);
    return {
      id: chosenId,
      host: address?.host ?? host,
      ...(udpAddress && { udpHost: udpAddress.host }),
      port,
      method: method.ok ? method.value.name : name,
      secret,
      displayName,
    };
  }

  #nextOrder(): number {
    const last = Math.max(0, ...[...this.#context.directory.view.upstreams.values()].map(({ record }) => record.order));
    return Math.max(last + 1, this.#context.clock.now() * ORDERS_PER_MS + Math.floor(Math.random() * ORDERS_PER_MS));
  }

  async #shown(id: string): Promise<UpstreamEntry> {
    await this.#context.directory.until(() => this.#context.directory.view.upstreams.has(id));
    return this.find(id);
  }
}

function fromUri(draft: UpstreamDraft, accessUri: string, problems: FieldProblems): UpstreamDraft {
  const isBoth = draft.host !== "" || draft.port !== 0 || draft.method !== "" || draft.secret !== "";
  problems.require(!isBoth, "access_uri", "give either a URI or host, port, method and secret");
  const parsed = parseAccessUri(accessUri);
  if (!parsed.ok) {
    problems.add("access_uri", parsed.reason);
    problems.throwIfAny();
    return draft;
  }
  const { host, port, method, password, plugin, tag = "" } = parsed.uri;
  problems.require(plugin === undefined, "access_uri", "asks for a plugin, which gateways do not run");
  return { ...draft, displayName: draft.displayName || tag, host, port, method, secret: password };
}
