import {
  type CallContext,
  type ConfigServiceServer,
  type Handlers,
  type Member,
  MemberKind,
  type ReportStatusRequest,
  type ResponseStream,
  RpcError,
  type WatchConfigRequest,
  type WatchConfigResponse,
} from "@shadowfleet/control-api";
import type { MemberRecord } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import type { AccessKeys } from "../domain/access-keys.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import { ConfigStream } from "./config-stream.ts";
import { readTime } from "./requests.ts";

const MAX_ID = 128;

const KINDS: Readonly<Partial<Record<MemberKind, MemberRecord["kind"]>>> = {
  [MemberKind.MEMBER_KIND_GATEWAY]: "gateway",
  [MemberKind.MEMBER_KIND_TCP_RELAY]: "tcp-relay",
  [MemberKind.MEMBER_KIND_UDP_RELAY]: "udp-relay",
};

/** What members of the fleet talk to. */
export class ConfigCalls {
  readonly #context: ManagementContext;
  readonly #keys: AccessKeys;
  #watchers = 0;

  constructor(context: ManagementContext, keys: AccessKeys) {
    this.#context = context;
    this.#keys = keys;
  }

  /** Streams open now. */
  get watchers(): number {
    return this.#watchers;
  }

  /** Implements ConfigService. */
  service(handlers: Handlers): ConfigServiceServer {
    return {
      watchConfig: handlers.serverStream((request, stream, call) => this.#watch(request, stream, call)),
      reportStatus: handlers.unary(async (request) => {
        await this.#report(request);
        return {};
      }),
    };
  }

  async #watch(request: WatchConfigRequest, stream: ResponseStream<WatchConfigResponse>, { signal }: CallContext): Promise<void> {
    const problems = new FieldProblems();
    const { id, kind } = readIdentity(request.member, problems);
    problems.throwIfAny();
    const { directory, logger } = this.#context;
    // Without the store's state only half of the configuration is known; half of it would take the other half from a relay that serves it.
    if (!directory.isSynced)
      throw new RpcError("STORE_UNAVAILABLE", "the shared store has not answered yet, so the configuration is not known");
    const { knownRevision, knownGeneration } = request;
    const known = knownGeneration === "" ? undefined : { revision: Number(knownRevision), generation: knownGeneration };
    logger.info({ member: id, kind, knownRevision: known?.revision }, "a member watches the configuration");
    this.#watchers++;
    try {
      await new ConfigStream(this.#context, { memberId: id, isGateway: kind === "gateway", known }, stream, signal).run();
    } finally {
      this.#watchers--;
      logger.info({ member: id, kind }, "a member no longer watches the configuration");
    }
  }

  async #report({ member, ports, oldSecretUses }: ReportStatusRequest): Promise<void> {
    const problems = new FieldProblems();
    const { id, kind } = readIdentity(member, problems);
    const startedAtMs = readTime(member?.startTime, "member.start_time", problems) ?? 0;
    const uses = oldSecretUses.map(({ accessKeyId, time }, index) => ({
      accessKeyId,
      atMs: readTime(time, `old_secret_uses[${index}].time`, problems),
    }));
    problems.throwIfAny();
    const { store, clock } = this.#context;
    await store.putMember({
      id,
      kind,
      version: member?.version ?? "",
      epoch: member?.epoch ?? "",
      startedAtMs,
      reportedAtMs: clock.now(),
      appliedRevision: Number(member?.appliedRevision ?? 0n),
      ready: member?.ready ?? false,
      draining: member?.draining ?? false,
      sessionCount: member?.sessionCount ?? 0,
      ports,
    });
    for (const { accessKeyId, atMs } of uses) await this.#keys.noteOldSecretUse(accessKeyId, Math.min(atMs ?? clock.now(), clock.now()));
  }
}

function readIdentity(member: Member | undefined, problems: FieldProblems): Pick<MemberRecord, "id" | "kind"> {
  const id = member?.id ?? "";
  problems.require(
    /^[\x21-\x7e]+$/.test(id) && id.length <= MAX_ID,
    "member.id",
    `must be 1 to ${MAX_ID} printable characters without spaces`,
  );
  const kind = KINDS[member?.kind ?? MemberKind.MEMBER_KIND_UNSPECIFIED];
  if (!kind) problems.add("member.kind", "must be a gateway, a tcp-relay or a udp-relay");
  return { id, kind: kind ?? "gateway" };
}
