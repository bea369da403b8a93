import { setTimeout as sleep } from "node:timers/promises";
import {
  type CallContext,
  type Handlers,
  type ListSessionsRequest,
  type ListSessionsResponse,
  type ResponseStream,
  type Session,
  type SessionServiceServer,
  type TerminateSessionsRequest,
  Transport,
  type WatchSessionsRequest,
  type WatchSessionsResponse,
} from "@shadowfleet/control-api";
import type { FleetCommand, SessionRecord } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import { cutPage, readPage, timeOf } from "./requests.ts";

/** Sessions read, or sent in one message, at a time. */
const BATCH = 1_000;

/** Implements SessionService. */
export function sessionService(context: ManagementContext, handlers: Handlers): SessionServiceServer {
  const service = new SessionCalls(context);
  return {
    listSessions: handlers.unary((request) => service.list(request)),
    watchSessions: handlers.serverStream((request, stream, call) => service.watch(request, stream, call)),
    terminateSessions: handlers.unary(async (request) => {
      await context.store.sendCommand(readTarget(request));
      return {};
    }),
  };
}

class SessionCalls {
  readonly #context: ManagementContext;

  constructor(context: ManagementContext) {
    this.#context = context;
  }

  async list(request: ListSessionsRequest): Promise<ListSessionsResponse> {
    const problems = new FieldProblems();
    const { afterId, size } = readPage(request, problems);
    problems.throwIfAny();
    const found = await this.#context.store.listSessions(afterId, size + 1, request.accessKeyId || undefined);
    const { items, nextPageToken } = cutPage(found, size, ({ id }) => id);
    return { sessions: items.map(sessionMessage), nextPageToken };
  }

  /** Looks every interval and sends what is different. Ends with UNAVAILABLE when the store does not answer. */
  async watch(
    { accessKeyId }: WatchSessionsRequest,
    stream: ResponseStream<WatchSessionsResponse>,
    { signal }: CallContext,
  ): Promise<void> {
    let known = new Map<string, SessionRecord>();
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const now = await this.#all(accessKeyId || undefined, signal);
      const updated = [...now.values()].filter((session) => hasChanged(known.get(session.id), session));
      const closedIds = [...known.keys()].filter((id) => !now.has(id));
      known = now;
      if (isFirst || updated.length > 0 || closedIds.length > 0) await sendInBatches(stream, updated, closedIds);
      await sleep(this.#context.timing.watchMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #all(keyId: string | undefined, signal: AbortSignal): Promise<Map<string, SessionRecord>> {
    const all = new Map<string, SessionRecord>();
    for (let afterId = ""; !signal.aborted; ) {
      const batch = await this.#context.store.listSessions(afterId, BATCH, keyId);
      for (const session of batch) all.set(session.id, session);
      const last = batch.at(-1);
      if (batch.length < BATCH || !last) break;
      afterId = last.id;
    }
    return all;
  }
}

async function sendInBatches(
  stream: ResponseStream<WatchSessionsResponse>,
  updated: readonly SessionRecord[],
  closedIds: readonly string[],
): Promise<void> {
  for (let at = 0; at === 0 || at < updated.length; at += BATCH) {
    await stream.send({ updated: updated.slice(at, at + BATCH).map(sessionMessage), closedIds: at === 0 ? [...closedIds] : [] });
  }
}

function hasChanged(before: SessionRecord | undefined, { bytesUp, bytesDown, clientAddress }: SessionRecord): boolean {
  return before?.bytesUp !== bytesUp || before.bytesDown !== bytesDown || before.clientAddress !== clientAddress;
}

function sessionMessage(session: SessionRecord): Session {
  return {
    id: session.id,
    memberId: session.memberId,
    accessKeyId: session.keyId,
    port: session.port,
    transport: session.transport === "tcp" ? Transport.TRANSPORT_TCP : Transport.TRANSPORT_UDP,
    clientAddress: session.clientAddress,
    startTime: timeOf(session.startedAtMs),
    upBytes: BigInt(session.bytesUp),
    downBytes: BigInt(session.bytesDown),
  };
}

function readTarget({ target }: TerminateSessionsRequest): FleetCommand {
  const problems = new FieldProblems();
  problems.require(target !== undefined && target.value !== "", "target", "give a session_id or an access_key_id");
  problems.throwIfAny();
  return target?.$case === "sessionId"
    ? { command: "terminate-session", sessionId: target.value }
    : { command: "terminate-key", keyId: target?.value ?? "" };
}
